// The token of a session: in memory and in the tab's own storage, never where other tabs or later users find it.
// A new tab asks the open tabs of this origin for theirs.

const KEY = "clinic-billing-token";
const PATIENCE_MS = 150;

type Message = {kind: "ask"} | {kind: "answer"; token: string} | {kind: "ended"; token: string};
type Ended = "signed-out" | "expired";

let token: string | null = sessionStorage.getItem(KEY);
let ended: Ended | null = null;
const listeners = new Set<() => void>();
const channel = new BroadcastChannel("clinic-billing-session");

channel.onmessage = ({data}: MessageEvent<Message>) => {
  if (data.kind === "ask" && token) channel.postMessage({kind: "answer", token} satisfies Message);
  if (data.kind === "ended" && data.token === token) forget("signed-out");
};

function forget(how: Ended): void {
  token = null;
  ended = how;
  sessionStorage.clear();
  for (const listener of listeners) listener();
}

/** The token; null for nobody. */
export function currentToken(): string | null {
  return token;
}

/** How the last session of this tab ended; null at the beginning. */
export function howEnded(): Ended | null {
  return ended;
}

/** Be told of each sign-in and sign-out. */
export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Begin a session with its token. */
export function begin(fresh: string): void {
  token = fresh;
  ended = null;
  sessionStorage.setItem(KEY, fresh);
  for (const listener of listeners) listener();
}

/** End the session in this tab, and in the tabs that have the same token. */
export function end(how: Ended): void {
  if (!token) return;
  channel.postMessage({kind: "ended", token} satisfies Message);
  forget(how);
}

/** Take the session of another tab, where one answers soon. */
export async function joinOtherTabs(): Promise<void> {
  if (token) return;
  const answer = await new Promise<string | null>((resolve) => {
    const asking = new BroadcastChannel("clinic-billing-session");
    const stop = (found: string | null) => {
      asking.close();
      resolve(found);
    };
    asking.onmessage = ({data}: MessageEvent<Message>) => data.kind === "answer" && stop(data.token);
    asking.postMessage({kind: "ask"} satisfies Message);
    setTimeout(() => stop(null), PATIENCE_MS);
  });
  if (answer) begin(answer);
}
