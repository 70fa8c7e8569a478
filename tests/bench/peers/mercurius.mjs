// The measured server of Mercurius: Fastify, JIT from the first request on, one batched loader per relation, prepared statements.
//
// Role and clinic are set once per connection instead of once per request, which spares it what the other servers do.
import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

const order = JSON.parse(process.argv[2]);
// Days stay the text that PostgreSQL sends; as a Date they would be moved into the server's time zone and back.
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);
const settings = Object.entries(order.settings).map(([name, value]) => `-c ${name}=${value}`);
const pool = new pg.Pool({ ...order.connection, max: order.poolSize, options: settings.join(" ") });
const clinic = order.settings["app.clinic_id"];

const schema = `
  type Named { id: ID! name: String! }
  type Line { position: Int! cptCode: String! label: String! units: Int! amount: String! }
  type Invoice {
    id: ID! number: String! status: String! version: Int! createdOn: String! serviceDate: String! submittedOn: String
    paidOn: String billedAmount: String! agreedAmount: String receivedAmount: String! balance: String!
    patient: Named! payer: Named! physician: Named facility: Named lines: [Line!]!
  }
  type Query { invoices(first: Int = 50): [Invoice!]! }
`;

const page = `select id, number, status, version, created_on as "createdOn", service_date as "serviceDate",
  submitted_on as "submittedOn", paid_on as "paidOn", billed_amount as "billedAmount", agreed_amount as "agreedAmount",
  received_amount as "receivedAmount", balance, patient_id, payer_id, physician_id, facility_id
  from invoices where clinic_id = $1 order by created_on desc, id desc limit $2`;

const resolvers = {
  Query: {
    invoices: async (_, { first }) => (await pool.query({ name: "page", text: page, values: [clinic, first] })).rows,
  },
};

function one(table, column, name) {
  const text = `select id, ${name} as name from ${table} where clinic_id = $1 and id = any($2::uuid[])`;
  return {
    loader: async (queries) => {
      const ids = [...new Set(queries.map(({ obj }) => obj[column]).filter((id) => id !== null))];
      const { rows } = await pool.query({ name: table, text, values: [clinic, ids] });
      const found = new Map(rows.map((row) => [row.id, row]));
      return queries.map(({ obj }) => found.get(obj[column]) ?? null);
    },
    opts: { cache: false },
  };
}

const linesText = `select invoice_id, position, code as "cptCode", label, units, amount from invoice_lines
  where clinic_id = $1 and invoice_id = any($2::uuid[]) order by invoice_id, position`;
const lines = {
  loader: async (queries) => {
    const ids = queries.map(({ obj }) => obj.id);
    const { rows } = await pool.query({ name: "lines", text: linesText, values: [clinic, ids] });
    const found = new Map(ids.map((id) => [id, []]));
    for (const row of rows) found.get(row.invoice_id).push(row);
    return ids.map((id) => found.get(id));
  },
  opts: { cache: false },
};

const loaders = {
  Invoice: {
    patient: one("patients", "patient_id", "first_name || ' ' || last_name"),
    payer: one("payers", "payer_id", "name"),
    physician: one("physicians", "physician_id", "name"),
    facility: one("facilities", "facility_id", "name"),
    lines,
  },
};

const app = Fastify();
app.register(mercurius, { schema, resolvers, loaders, jit: 1 });
await app.listen({ port: 0, host: "127.0.0.1" });
console.log(`ready http://127.0.0.1:${app.server.address().port}/graphql`);
process.on("SIGTERM", () => process.exit(0));
