// The frame of every screen: navigation, the person, the connection, the end of the session.
import {Menu} from "@base-ui/react/menu";
import {useEffect, useMemo, useState, useSyncExternalStore} from "react";
import type {ReactNode} from "react";
import {NavLink, useLocation} from "react-router";
import {useMutation, useQuery} from "urql";
import {end} from "@clinic-billing/shared/session.ts";
import {american} from "@clinic-billing/shared/words.ts";
import {SignOut, Viewer} from "../generated/shell.ts";
import {Problem, Waiting} from "../parts/states.tsx";
import screens from "../screens.json";
import type {apiClient} from "./api.ts";
import {Context, useShell} from "./context.ts";
import type {ShellContext} from "./context.ts";
import {SessionEnd} from "./session-end.tsx";

const LINKS = [
  {to: "/", label: "Today", screen: "today"},
  {to: "/invoices", label: "Invoices", screen: "worklist"},
] as const;

/** The screens within their frame. */
export function Shell({api, children}: {api: ReturnType<typeof apiClient>; children: ReactNode}) {
  const [{data, error}] = useQuery({query: Viewer, requestPolicy: "cache-first"});
  useEffect(() => () => void api.socket.dispose(), [api]);
  const known = useMemo<ShellContext | null>(() => {
    if (!data?.viewer) return null;
    const labels = new Map(data.labels.flatMap(({name, values}) => values.map((each) => [`${name}.${each.value}`, american(each.label)])));
    const label = (name: string, value: string) => labels.get(`${name}.${value}`) ?? value;
    return {viewer: data.viewer, label, connection: api.connection, lists: api.lists};
  }, [data, api]);
  if (error) return <Problem error={error} />;
  if (!known) return <Waiting />;
  return (
    <Context value={known}>
      <a className="skip" href="#main">Skip to content</a>
      <div className="shell">
        <Navigation />
        <div className="page">
          <ConnectionLost />
          <main id="main" tabIndex={-1}>{isFor(known.viewer.role) ? children : <NotForRole />}</main>
        </div>
      </div>
      <SessionEnd />
    </Context>
  );
}

function isFor(role: string): boolean {
  return screens.today.roles.includes(role.toLowerCase());
}

function NotForRole() {
  const {viewer, label} = useShell();
  return (
    <div className="panel narrow">
      <h1>Nothing here for your role yet</h1>
      <p>The console has screens for billing staff and administrators. You are signed in as {viewer.name} ({label("Role", viewer.role)}).</p>
    </div>
  );
}

function Navigation() {
  const {viewer} = useShell();
  const location = useLocation();
  return (
    <header className="rail">
      <div className="brand">
        <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="26" height="26" />
        <span className="brand-name">{viewer.clinic.name}</span>
      </div>
      <nav aria-label="Screens">
        {isFor(viewer.role) &&
          LINKS.map(({to, label}) => (
            // The list that somebody comes back to is the one that was left.
            <NavLink key={to} to={to} end={to === "/"} state={{from: location.pathname}}>
              {label}
            </NavLink>
          ))}
      </nav>
      <Person />
    </header>
  );
}

function Person() {
  const {viewer, label} = useShell();
  // Within the page's header, a landmark, for those who jump from one to the next.
  const [container, setContainer] = useState<HTMLElement | null>(null);
  const [, signOut] = useMutation(SignOut);
  const leave = async () => {
    await signOut({});
    end("signed-out");
  };
  return (
    <div className="person-place" ref={setContainer}>
      <Menu.Root>
        <Menu.Trigger className="person">
          <span className="initials" aria-hidden="true">{initials(viewer.name)}</span>
          <span className="person-name">
            {viewer.name}
            <small>{label("Role", viewer.role)}</small>
          </span>
        </Menu.Trigger>
        <Menu.Portal container={container}>
          <Menu.Positioner side="top" align="start" sideOffset={6} className="above">
            <Menu.Popup className="menu">
              <div className="menu-note">{viewer.email}</div>
              <Menu.Item className="menu-item" onClick={leave}>Sign out</Menu.Item>
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
    </div>
  );
}

function initials(name: string): string {
  return name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
}

function ConnectionLost() {
  const {connection} = useShell();
  const state = useSyncExternalStore(connection.listen, connection.state);
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    // A blink of the connection is not worth a word.
    const timer = setTimeout(() => setLong(state === "lost"), state === "lost" ? 800 : 0);
    return () => clearTimeout(timer);
  }, [state]);
  return (
    <div role="status" className={isLong ? "banner" : undefined}>
      {isLong && "The connection to the server is lost. What you see may be out of date; it is read again as soon as the server answers."}
    </div>
  );
}
