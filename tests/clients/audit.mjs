// The audits of graphql-http for servers of GraphQL over HTTP: node audit.mjs URL
import {auditServer} from "graphql-http";

const [url] = process.argv.slice(2);
const results = await auditServer({url, fetchFn: fetch});
console.log(JSON.stringify(results.map(({status, name, reason}) => ({status, name, reason}))));
