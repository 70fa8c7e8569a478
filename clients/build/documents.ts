// Validates the documents of each screen against the schemas of all of its roles, and writes their types and texts.
//
// A screen imports its documents from `src/generated/<screen>.ts` alone. The manifest lists the texts as the client sends them.
import {createHash} from "node:crypto";
import {mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {codegen} from "@graphql-codegen/core";
import * as operations from "@graphql-codegen/typescript-operations";
import {formatDocument, createRequest, stringifyDocument} from "@urql/core";
import {buildSchema, parse, print, validate} from "graphql";
import {steps} from "./steps.ts";
import type {DocumentNode, GraphQLSchema, OperationDefinitionNode} from "graphql";

type Screen = {roles: string[]; documents: string[]; steps?: boolean};
type Found = {text: string; folder: string; document: DocumentNode; operation: OperationDefinitionNode};

const CLIENTS = join(import.meta.dirname, "..");
// A test builds from a copy of the documents in which one is wrong.
const DOCUMENTS = process.env.CLIENT_DOCUMENTS ?? join(CLIENTS, "documents");
const SCHEMAS = join(CLIENTS, "..", "schemas");
const FOLDERS = ["nobody", "every", "billing"];
const SCALARS = {Money: "string", Date: "string", DateTime: "string", ID: "string"};

const schemas = new Map<string, GraphQLSchema>();
const texts = new Map<string, string>();

function schemaOf(role: string): GraphQLSchema {
  let schema = schemas.get(role);
  if (!schema) {
    texts.set(role, readFileSync(join(SCHEMAS, `${role}.graphql`), "utf8"));
    schema = buildSchema(texts.get(role)!, {assumeValidSDL: true});
    schemas.set(role, schema);
  }
  return schema;
}

/** The documents of all folders by the names of their operations; each file has one operation with its fragments. */
function documents(): Map<string, Found> {
  const found = new Map<string, Found>();
  for (const folder of FOLDERS) {
    for (const file of readdirSync(join(DOCUMENTS, folder)).filter((name) => name.endsWith(".graphql"))) {
      const document = parse(readFileSync(join(DOCUMENTS, folder, file), "utf8"), {noLocation: true});
      const own = document.definitions.filter((part) => part.kind === "OperationDefinition");
      const name = own[0]?.name?.value;
      if (own.length !== 1 || `${name}.graphql` !== file) {
        throw new Error(`${folder}/${file}: a file has one operation, of the file's name`);
      }
      found.set(name!, {text: print(document), folder, document, operation: own[0]!});
    }
  }
  return found;
}

/** What is wrong with a screen's documents: each is checked by the schema of each of its roles. */
function mistakes(name: string, screen: Screen, all: Map<string, Found>): string[] {
  return screen.documents.flatMap((wanted) => {
    const found = all.get(wanted);
    if (!found) return [`${name}: there is no document ${wanted}`];
    return screen.roles.flatMap((role) =>
      validate(schemaOf(role), found.document).map((error) => `${name}: ${found.folder}/${wanted} for ${role}: ${error.message}`),
    );
  });
}

/** The text that urql sends for a document: with __typename in each selection, and in urql's own spelling. */
function sent(text: string): string {
  return stringifyDocument(formatDocument(createRequest(text, {}).query));
}

async function moduleOf(screen: Screen, all: Map<string, Found>): Promise<string> {
  const [role] = screen.roles as [string];
  const own = screen.documents.map((name) => all.get(name)!);
  const types = await codegen({
    schema: parse(texts.get(role)!),
    schemaAst: schemaOf(role),
    documents: own.map(({document}, index) => ({location: screen.documents[index]!, document})),
    config: {scalars: SCALARS, strictScalars: true, enumsAsTypes: true, skipTypename: false, nonOptionalTypename: true},
    filename: "",
    plugins: [{operations: {}}],
    pluginMap: {operations},
  });
  const constants = own.map(({text, operation}) => {
    const name = operation.name!.value;
    const kind = operation.operation[0]!.toUpperCase() + operation.operation.slice(1);
    const data = `${name}${name.endsWith(kind) ? "" : kind}`;
    return `export const ${name} = ${JSON.stringify(text)} as unknown as TypedDocumentNode<${data}, ${data}Variables>;`;
  });
  return ['import type {TypedDocumentNode} from "urql";', types, ...constants, ""].join("\n");
}

/** A document that no screen uses would be trusted for nothing. */
function unused(all: Map<string, Found>, screens: Record<string, Screen>): string[] {
  const used = new Set(Object.values(screens).flatMap((screen) => screen.documents));
  return [...all.keys()].filter((name) => !used.has(name)).map((name) => `no screen uses the document ${name}`);
}

async function build(app: string): Promise<void> {
  const screens = JSON.parse(readFileSync(join(CLIENTS, app, "src", "screens.json"), "utf8")) as Record<string, Screen>;
  const all = documents();
  const wrong = [...Object.entries(screens).flatMap(([name, screen]) => mistakes(name, screen, all)), ...unused(all, screens)];
  if (wrong.length > 0) {
    console.error(wrong.join("\n"));
    process.exit(1);
  }
  const generated = process.env.CLIENT_GENERATED ?? join(CLIENTS, app, "src", "generated");
  rmSync(generated, {recursive: true, force: true});
  mkdirSync(generated, {recursive: true});
  for (const [name, screen] of Object.entries(screens)) {
    writeFileSync(join(generated, `${name}.ts`), await moduleOf(screen, all));
  }
  const roles = Object.values(screens).flatMap((screen) => (screen.steps ? screen.roles : []));
  const derived = steps(new Map(roles.map((role) => [role, schemaOf(role)])));
  writeFileSync(join(generated, "steps.ts"), derived.module);
  const manifest = Object.fromEntries(
    [...all.values(), ...derived.documents].map(({text}) => [createHash("sha256").update(sent(text)).digest("hex"), sent(text)]),
  );
  writeFileSync(join(generated, "documents.json"), JSON.stringify(manifest, null, 1));
}

await build("console");
