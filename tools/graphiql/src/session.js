// Decides how the page speaks to the server: where the token is kept, which headers go out, when a session is over.
import { getOperationAST, parse } from "graphql";
import { createClient } from "graphql-ws";

const ENDPOINT = new URL(location.pathname, location.origin).href;
const TOKEN = "billing:token";

export const SIGN_IN = `mutation SignIn($input: SignInInput!) { signIn(input: $input) {
  token clinics { name shortName } errors { message ... on InvalidInput { reason } } } }`;
export const SIGN_OUT = "mutation SignOut { signOut { __typename } }";
export const VIEWER = "query Viewer { viewer { email role } }";

// The browser forgets sessionStorage with the tab, which is as long as a token, a query or its variables may stay.
export const storedToken = () => sessionStorage.getItem(TOKEN);
export const storeToken = (token) => sessionStorage.setItem(TOKEN, token);

export const forgetToken = () => sessionStorage.removeItem(TOKEN);

let closed = false;

// GraphiQL saves its tabs with a delay; once the page is closing nothing may be written behind the cleaning.
export const editorStorage = {
  get length() { return sessionStorage.length; },
  getItem: (key) => sessionStorage.getItem(key),
  setItem: (key, value) => { if (!closed) sessionStorage.setItem(key, value); },
  removeItem: (key) => sessionStorage.removeItem(key),
  clear: () => sessionStorage.clear(),
};

// The next person at this screen must find neither the last one's queries nor the answers to them.
export function forgetEverything() {
  closed = true;
  sessionStorage.clear();
  location.reload();
}

const authorization = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

export async function post(request, token, headers = {}) {
  const response = await fetch(ENDPOINT, {
    method: "POST",
    headers: {
      Accept: "application/graphql-response+json, application/json;q=0.9",
      "Content-Type": "application/json",
      ...authorization(token),
      ...headers,
    },
    body: JSON.stringify(request),
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
  });
  return { status: response.status, answer: read(await response.text(), response) };
}

function read(text, response) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`The server answered ${response.status} ${response.statusText} without a GraphQL body.`);
  }
}

export function isOver({ status, answer }) {
  return status === 401 || (answer.errors ?? []).some((error) => error.extensions?.code === "UNAUTHENTICATED");
}

function isSubscription({ query, operationName }) {
  try {
    return getOperationAST(parse(query), operationName)?.operation === "subscription";
  } catch {
    // The server explains what is wrong with a document better than this page could.
    return false;
  }
}

// One socket per subscription: it carries the token that was valid when the subscription began, and ends with it.
async function* subscribe(request, token, headers) {
  const client = createClient({
    url: ENDPOINT.replace(/^http/, "ws"),
    connectionParams: { ...authorization(token), ...headers },
    retryAttempts: 3,
  });
  try {
    yield* client.iterate(request);
  } catch (reason) {
    throw reason instanceof CloseEvent ? new Error(`The subscription was closed: ${reason.code} ${reason.reason}`) : reason;
  } finally {
    client.dispose();
  }
}

// A new function per token, because GraphiQL asks for the schema again whenever its fetcher changes.
export function fetcherFor(token, onOver) {
  return (request, options) => {
    const headers = options?.headers ?? {};
    return isSubscription(request) ? subscribe(request, token, headers) : ask(request, token, headers, onOver);
  };
}

async function ask(request, token, headers, onOver) {
  const result = await post(request, token, headers);
  if (token && !headers.Authorization && isOver(result)) onOver();
  return result.answer;
}
