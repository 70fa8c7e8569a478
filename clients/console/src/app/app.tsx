// Which page is shown: sign-in for nobody, else the shell with the screen of the address.
import {CSPProvider} from "@base-ui/react/csp-provider";
import {lazy, Suspense, useMemo, useSyncExternalStore} from "react";
import {BrowserRouter, Navigate, Route, Routes} from "react-router";
import {Provider} from "urql";
import {currentToken, onSession} from "@clinic-billing/shared/session.ts";
import {SignIn} from "../screens/sign-in/sign-in.tsx";
import {apiClient} from "./api.ts";
import {Shell} from "./shell.tsx";
import {Waiting} from "../parts/states.tsx";

// The first screen is fetched while somebody signs in.
const today = import("../screens/today/today.tsx");
const Today = lazy(() => today);
const Worklist = lazy(() => import("../screens/worklist/worklist.tsx"));
const Invoice = lazy(() => import("../screens/invoice/invoice.tsx"));

/** The whole console. */
export function App() {
  const token = useSyncExternalStore(onSession, currentToken);
  // A client of its own for each session: nothing in its cache is seen by the next user.
  const api = useMemo(() => apiClient(token), [token]);
  return (
    <CSPProvider disableStyleElements>
      <Provider value={api.client}>
        <BrowserRouter basename="/console">{token ? <Screens api={api} /> : <SignIn />}</BrowserRouter>
      </Provider>
    </CSPProvider>
  );
}

function Screens({api}: {api: ReturnType<typeof apiClient>}) {
  return (
    <Shell api={api}>
      <Suspense fallback={<Waiting />}>
        <Routes>
          <Route index element={<Today />} />
          <Route path="invoices" element={<Worklist />} />
          <Route path="invoices/:id" element={<Invoice />} />
          <Route path="*" element={<Navigate to="/" replace />} />
        </Routes>
      </Suspense>
    </Shell>
  );
}
