// Decides what the page is made of: the sign-in bar above, GraphiQL with the role's own schema below.
import { GraphiQL } from "graphiql";
import { useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import {
  editorStorage, fetcherFor, forgetEverything, forgetToken, isOver, post, SIGN_OUT, storedToken, storeToken, VIEWER,
} from "./session.js";
import { Bar } from "./signin.jsx";

const FIRST_QUERY = `# Sign in above, then press
# Ctrl-Enter. The docs show
# your role's own schema.
{
  viewer {
    email
    role
  }
}
`;
const NOBODY = "Not signed in.";
const OVER = "Your session has ended. Sign in again.";

function useSession() {
  const [token, setToken] = useState(storedToken);
  const [viewer, setViewer] = useState(null);
  const [notice, setNotice] = useState(NOBODY);

  const begin = (fresh) => { storeToken(fresh); setToken(fresh); };
  const end = () => { forgetToken(); setToken(null); setViewer(null); setNotice(OVER); };
  const signOut = async () => {
    // The token leaves this browser even when the server cannot be told.
    await post({ query: SIGN_OUT, operationName: "SignOut" }, token).catch(() => {});
    forgetEverything();
  };

  useEffect(() => {
    if (!token) return undefined;
    let current = true;
    post({ query: VIEWER, operationName: "Viewer" }, token).then(
      (result) => {
        if (!current) return;
        const found = result.answer.data?.viewer;
        if (found) setViewer(found);
        else if (isOver(result) || found === null) end();
      },
      () => {},
    );
    return () => { current = false; };
  }, [token]);

  const fetcher = useMemo(() => fetcherFor(token, end), [token]);
  return { token, viewer, notice, fetcher, begin, signOut };
}

function Page() {
  const { token, viewer, notice, fetcher, begin, signOut } = useSession();
  return (
    <>
      <Bar token={token} viewer={viewer} notice={notice} onToken={begin} onSignOut={signOut} />
      <main className="ide">
        <GraphiQL fetcher={fetcher} storage={editorStorage} defaultQuery={FIRST_QUERY} shouldPersistHeaders={false}>
          <GraphiQL.Logo>GraphiQL</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

createRoot(document.getElementById("root")).render(<Page />);
