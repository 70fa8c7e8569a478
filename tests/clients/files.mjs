// Upload, export, errors and the end of a session without a GraphQL library: node files.mjs URL E-MAIL PASSWORD
import {createClient} from "graphql-ws";
import WebSocket from "ws";

const [url, email, password] = process.argv.slice(2);
let token = "";

async function ask(query, variables) {
  const headers = {"Content-Type": "application/json", ...(token && {Authorization: `Bearer ${token}`})};
  const answer = await fetch(url, {method: "POST", headers, body: JSON.stringify({query, variables})});
  const {data, errors} = await answer.json();
  if (errors) throw Object.assign(new Error(errors[0].message), {errors, requestId: answer.headers.get("X-Request-ID")});
  return data;
}

const signIn = "mutation ($input: SignInInput!) { signIn(input: $input) { token errors { message code } } }";
token = (await ask(signIn, {input: {email, password}})).signIn.token;

const socket = createClient({
  url: url.replace("http", "ws"),
  webSocketImpl: WebSocket,
  connectionParams: () => ({authorization: `Bearer ${token}`}),
});

async function upload(name, type, bytes) {
  const create = `mutation ($input: CreateUploadInput!) {
    createUpload(input: $input) { upload { id uploadUrl } errors { path message } } }`;
  const {createUpload} = await ask(create, {input: {fileName: name, contentType: type, byteSize: bytes.length}});
  const stored = await fetch(createUpload.upload.uploadUrl, {method: "PUT", body: bytes});
  if (!stored.ok) throw new Error(`not stored: ${stored.status}`);
  return createUpload.upload.id;
}

async function exported(filter, onProgress) {
  const order = `mutation ($input: ExportInvoicesInput!) {
    exportInvoices(input: $input) { export { id } errors { path message } } }`;
  const {exportInvoices} = await ask(order, {input: {format: "XLSX", filter}});
  const progress = `subscription ($id: ID!) { exportProgress(id: $id) { status rowsWritten downloadUrl failure } }`;
  for await (const {data} of socket.iterate({query: progress, variables: {id: exportInvoices.export.id}})) {
    const {status, rowsWritten, downloadUrl} = data.exportProgress;
    onProgress(status, rowsWritten);
    if (status === "READY") return fetch(downloadUrl);
  }
  throw new Error("the export failed");
}

async function follow(filter, list, isEnough) {
  const events = `subscription ($filter: InvoiceFilter) {
    invoiceEvents(filter: $filter) { invoiceId leaves invoice { id number status } } }`;
  for await (const {data} of socket.iterate({query: events, variables: {filter}})) {
    const {invoiceId, leaves, invoice} = data.invoiceEvents;
    if (leaves) list.delete(invoiceId);
    else list.set(invoiceId, invoice);
    if (isEnough(list)) return;
  }
}

async function wrong(query, input) {
  try {
    await ask(query, {input});
    return [];
  } catch (error) {
    return error.errors.map(({message, extensions}) => ({path: extensions.path, code: extensions.code, message}));
  }
}

const id = await upload("letter.pdf", "application/pdf", new TextEncoder().encode("%PDF-1.7\nA letter"));
const states = [];
const file = await exported({status: ["PENDING_CHEQUE"]}, (status) => states.push(status));
const record = "mutation ($input: RecordChequeInput!) { recordCheque(input: $input) { errors { path code message } } }";
const types = await wrong(record, {payerId: 1.5, number: 7, amount: "ten", chequeDate: "soon", receivedOn: "2026-02-30", allocations: []});
const goOn = "mutation { extendSession { session { idleExpiresAt } errors { message } } }";
const {extendSession} = await ask(goOn);
const waiting = {status: ["PENDING_INVOICE"]};
const page = "query ($filter: InvoiceFilter) { invoices(filter: $filter, first: 500) { nodes { id submittedOn } } }";
const {nodes} = (await ask(page, {filter: waiting})).invoices;
const list = new Map(nodes.map((one) => [one.id, one]));
const [one] = nodes.filter(({submittedOn}) => submittedOn);
const limits = "mutation ($input: SetNegotiationLimitsInput!) { setNegotiationLimits(input: $input) { errors { message } } }";
const again = setInterval(() => ask(limits, {input: {invoiceId: one.id, floorAmount: (1 + Math.random()).toFixed(2)}}), 500);
await follow(waiting, list, (now) => now.get(one.id).number);
clearInterval(again);
const left = follow(waiting, list, (now) => !now.has(one.id));
await new Promise((resolve) => setTimeout(resolve, 1_000));
await ask("mutation ($input: RequestReductionInput!) { requestReduction(input: $input) { errors { message } } }", {
  input: {invoiceId: one.id, amount: "1.00"},
});
await left;
console.log(JSON.stringify({
  shown: [nodes.length, list.size], upload: id, states, name: file.headers.get("Content-Disposition"), bytes: (await file.arrayBuffer()).byteLength,
  paths: types.map(({path}) => path.join(".")), codes: [...new Set(types.map(({code}) => code))], idle: extendSession.session.idleExpiresAt,
}));
await socket.dispose();
process.exit(0);
