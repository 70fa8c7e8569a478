// Apollo Client, version 3 or 4, with persisted queries on: node apollo.mjs LIBRARY URL E-MAIL PASSWORD
import {createHash} from "node:crypto";
import {createClient} from "graphql-ws";
import WebSocket from "ws";

const [library, url, email, password] = process.argv.slice(2);
const load = async (part) => import(`${library}/${part}`);
const {ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql, split} = await load("core/index.js").catch(() => load("index.js"));
const {createPersistedQueryLink} = await load("link/persisted-queries/index.js");
const {GraphQLWsLink} = await load("link/subscriptions/index.js");
const {getMainDefinition} = await load("utilities/index.js");

let token = "";
const requests = [];
const http = new HttpLink({
  uri: url,
  fetch: async (to, options) => {
    requests.push(JSON.parse(options.body));
    return fetch(to, {...options, headers: {...options.headers, ...(token && {authorization: `Bearer ${token}`})}});
  },
});
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const socket = createClient({
  url: url.replace("http", "ws"), webSocketImpl: WebSocket, connectionParams: () => ({authorization: `Bearer ${token}`}),
});
const isSubscription = ({query}) => getMainDefinition(query).operation === "subscription";
const choose = split ?? ApolloLink.split;
const link = choose(isSubscription, new GraphQLWsLink(socket), createPersistedQueryLink({sha256}).concat(http));
const client = new ApolloClient({link, cache: new InMemoryCache()});

const signIn = gql`mutation SignIn($input: SignInInput!) { signIn(input: $input) { token errors { message } } }`;
token = (await client.mutate({mutation: signIn, variables: {input: {email, password}}})).data.signIn.token;
const page = gql`query Page($first: Int!) { invoices(first: $first) { totalCount nodes { id number version } } }`;
const {data} = await client.query({query: page, variables: {first: 3}});
const {id} = data.invoices.nodes[0];

const changed = gql`subscription Changed { invoiceChanged { id version } }`;
const event = new Promise((resolve, reject) => client.subscribe({query: changed}).subscribe({next: resolve, error: reject}));
const limits = gql`mutation Limits($input: SetNegotiationLimitsInput!) { setNegotiationLimits(input: $input) { errors { message } } }`;
const change = setInterval(() => client.mutate({
  mutation: limits, variables: {input: {invoiceId: id, floorAmount: (1 + Math.random()).toFixed(2)}},
}), 500);
const {data: told} = await event;
clearInterval(change);
console.log(JSON.stringify({
  count: data.invoices.totalCount, numbers: data.invoices.nodes.map(({number}) => number), event: told.invoiceChanged.id,
  hashesAlone: requests.filter(({query}) => !query).length, requests: requests.length,
}));
await socket.dispose();
process.exit(0);
