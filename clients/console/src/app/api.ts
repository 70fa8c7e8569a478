// The client of the API for one session: documents by POST, subscriptions by WebSocket, records in a normalised cache.
import {cacheExchange} from "@urql/exchange-graphcache";
import {createClient as createSocket} from "graphql-ws";
import {Client, fetchExchange, formatDocument, makeOperation, mapExchange, subscriptionExchange} from "urql";
import {end} from "@clinic-billing/shared/session.ts";

export type Connection = "open" | "lost";

/** A client with the token of a session, and what is to be known of its connection. */
export function apiClient(token: string | null) {
  const connection = watched();
  const headers: Record<string, string> = token ? {authorization: `Bearer ${token}`} : {};
  const socket = createSocket({
    url: `${location.origin.replace("http", "ws")}/graphql`,
    connectionParams: headers,
    retryAttempts: Number.POSITIVE_INFINITY,
    // 4401 and 4403 say that the session has ended: trying again would not help.
    shouldRetry: (event) => !(event instanceof CloseEvent && [4401, 4403].includes(event.code)),
    on: {
      connected: () => connection.set("open"),
      closed: (event) => {
        if (event instanceof CloseEvent && event.code === 4403) end("expired");
        else if (event instanceof CloseEvent && event.code !== 1000) connection.set("lost");
      },
    },
  });
  const options = {
    url: `${location.origin}/graphql`,
    preferGetMethod: false,
    fetchOptions: {headers, cache: "no-store", credentials: "omit"},
  } as const;
  const ended = mapExchange({
    onError: (error) => {
      if (token && error.graphQLErrors.some(({extensions}) => extensions.code === "UNAUTHENTICATED")) end("expired");
    },
  });
  const client = new Client({
    ...options,
    requestPolicy: "cache-and-network",
    exchanges: [
      ended,
      cacheExchange({}),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({query, variables}) => ({
          subscribe: (sink) => ({unsubscribe: socket.subscribe({query: query!, variables: variables ?? null}, sink)}),
        }),
      }),
    ],
  });
  // Ten thousand rows of a list would be kept twice, and each be taken apart: its pages pass by the cache, with the same texts.
  const typed = mapExchange({onOperation: (operation) => makeOperation(operation.kind, {...operation, query: formatDocument(operation.query)})});
  const lists = new Client({...options, requestPolicy: "network-only", exchanges: [ended, typed, fetchExchange]});
  return {client, lists, socket, connection};
}

/** Whether the socket is connected, told to whoever listens; each return of it is counted, because events were missed. */
function watched() {
  let state: Connection = "open";
  let returns = 0;
  const listeners = new Set<() => void>();
  return {
    set(next: Connection) {
      if (next === state) return;
      if (next === "open") returns += 1;
      state = next;
      for (const listener of listeners) listener();
    },
    state: () => state,
    returns: () => returns,
    listen(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
