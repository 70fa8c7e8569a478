// Asks the server at the given URL every question of the GraphQL-over-HTTP audit and prints the findings as JSON.
import { serverAudits } from "graphql-http";

const [url] = process.argv.slice(2);
const findings = [];
for (const audit of serverAudits({ url })) {
  const { id, name, status, reason } = await audit.fn();
  findings.push({ id, name, status, reason: reason ?? null });
}
console.log(JSON.stringify(findings));
