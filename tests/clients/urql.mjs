// urql with persisted queries and subscriptions: node urql.mjs URL E-MAIL PASSWORD
import {Client, cacheExchange, fetchExchange, gql, subscriptionExchange} from "@urql/core";
import {persistedExchange} from "@urql/exchange-persisted";
import {createClient} from "graphql-ws";
import WebSocket from "ws";

const [url, email, password] = process.argv.slice(2);
let token = "";
const requests = [];
const socket = createClient({
  url: url.replace("http", "ws"), webSocketImpl: WebSocket, connectionParams: () => ({authorization: `Bearer ${token}`}),
});
const client = new Client({
  url,
  preferGetMethod: false,
  fetchOptions: () => ({headers: token ? {authorization: `Bearer ${token}`} : {}}),
  fetch: async (to, options) => { requests.push(JSON.parse(options.body)); return fetch(to, options); },
  exchanges: [
    cacheExchange,
    persistedExchange({preferGetForPersistedQueries: false, enableForMutation: true}),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({query, variables}) => ({
        subscribe: (sink) => ({unsubscribe: socket.subscribe({query, variables}, sink)}),
      }),
    }),
  ],
});
const done = ({data, error}) => { if (error) throw error; return data; };

const signIn = gql`mutation SignIn($input: SignInInput!) { signIn(input: $input) { token } }`;
token = done(await client.mutation(signIn, {input: {email, password}})).signIn.token;
const page = gql`query Page($first: Int!) { invoices(first: $first) { totalCount nodes { id number version } } }`;
const data = done(await client.query(page, {first: 3}));
const {id} = data.invoices.nodes[0];
const event = new Promise((resolve, reject) => {
  client.subscription(gql`subscription Changed { invoiceChanged { id version } }`, {}).subscribe(
    ({data: told, error}) => (error ? reject(error) : resolve(told)),
  );
});
const limits = gql`mutation Limits($input: SetNegotiationLimitsInput!) { setNegotiationLimits(input: $input) { errors { message } } }`;
const change = setInterval(() => client.mutation(
  limits, {input: {invoiceId: id, floorAmount: (1 + Math.random()).toFixed(2)}},
).toPromise(), 500);
const told = await event;
clearInterval(change);
console.log(JSON.stringify({
  count: data.invoices.totalCount, numbers: data.invoices.nodes.map(({number}) => number), event: told.invoiceChanged.id,
  hashesAlone: requests.filter(({query}) => !query).length, requests: requests.length,
}));
await socket.dispose();
process.exit(0);
