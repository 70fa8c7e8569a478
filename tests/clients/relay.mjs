// Relay with queries that its compiler has persisted: node relay.mjs URL E-MAIL PASSWORD FOLDER_OF_ARTEFACTS
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";

const {Environment, Network, RecordSource, Store, fetchQuery} = createRequire(import.meta.url)("relay-runtime");
const [url, email, password, folder] = process.argv.slice(2);
const load = async (name) => (await import(pathToFileURL(`${folder}/__generated__/${name}.graphql.js`))).default;
let token = "";
const requests = [];
const environment = new Environment({
  store: new Store(new RecordSource()),
  network: Network.create(async ({id}, variables) => {
    const body = {documentId: id, variables};
    requests.push(body);
    const headers = {"content-type": "application/json", ...(token && {authorization: `Bearer ${token}`})};
    return (await fetch(url, {method: "POST", headers, body: JSON.stringify(body)})).json();
  }),
});
const ask = (query, variables) => fetchQuery(environment, query, variables).toPromise();

const answer = await fetch(url, {
  method: "POST", headers: {"content-type": "application/json"},
  body: JSON.stringify({documentId: (await load("relaySignInMutation")).params.id, variables: {input: {email, password}}}),
});
token = (await answer.json()).data.signIn.token;
const data = await ask(await load("relayPageQuery"), {first: 3});
const node = await ask(await load("relayNodeQuery"), {id: data.invoices.nodes[0].id});
console.log(JSON.stringify({
  count: data.invoices.totalCount, numbers: data.invoices.nodes.map(({number}) => number), node: node.node.number,
  ids: requests.map(({documentId}) => documentId),
}));
