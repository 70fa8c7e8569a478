// Documents that nobody writes: one mutation for each action of the API, and one search for each list that a form can choose from.
//
// They follow from the schemas, so that a transition that is added to the API is in the console after the next build.
import {getNamedType, isEnumType, isInputObjectType, isObjectType, isScalarType, parse, validate} from "graphql";
import type {GraphQLField, GraphQLObjectType, GraphQLSchema} from "graphql";

export type Generated = {name: string; text: string};
type Step = Generated & {mutation: string; takesKey: boolean};
type Find = Generated & {root: string; takesSearch: boolean};

const ERRORS = "errors { code message path ... on InvalidInput { reason limit } ... on StaleVersion { currentVersion } }";
// What a person recognizes a record by, in the order in which it is shown.
const SHOWN = ["number", "code", "name", "label", "amount", "receivedOn"];
const SEARCHED_BY = ["search", "code", "number"];

/** The documents of all actions that any of the roles has, and the module through which the console finds them. */
export function steps(schemas: Map<string, GraphQLSchema>): {documents: Generated[]; module: string} {
  const found = new Map<string, Step>();
  const finds = new Map<string, Find>();
  for (const schema of schemas.values()) {
    for (const step of stepsOf(schema)) found.set(step.mutation, step);
    for (const find of findsOf(schema)) finds.set(find.root, find);
  }
  for (const {name, text} of [...found.values(), ...finds.values()]) {
    const errors = [...schemas.values()].map((schema) => validate(schema, parse(text)));
    if (errors.every((each) => each.length > 0)) throw new Error(`${name}: ${errors[0]![0]!.message}`);
  }
  return {documents: [...found.values(), ...finds.values()], module: moduleOf([...found.values()], [...finds.values()])};
}

function stepsOf(schema: GraphQLSchema): Step[] {
  const names = schema.getType("ActionName");
  if (!isEnumType(names)) return [];
  const mutations = schema.getMutationType()!.getFields();
  return names.getValues().flatMap(({name}) => {
    const mutation = name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    const field = mutations[mutation];
    return field ? [stepOf(mutation, field)] : [];
  });
}

function stepOf(mutation: string, field: GraphQLField<unknown, unknown>): Step {
  const input = field.args.find(({name}) => name === "input")!.type;
  const payload = getNamedType(field.type) as GraphQLObjectType;
  const named = getNamedType(input);
  const warnings = payload.getFields().warnings ? "warnings { message } " : "";
  const name = `Step_${mutation}`;
  const text = `mutation ${name}($input: ${input.toString()}) { done: ${mutation}(input: $input) { ${warnings}${ERRORS} } }`;
  return {name, text, mutation, takesKey: isInputObjectType(named) && "idempotencyKey" in named.getFields()};
}

function findsOf(schema: GraphQLSchema): Find[] {
  return Object.values(schema.getQueryType()!.getFields()).flatMap((field) => {
    const connection = getNamedType(field.type);
    const nodes = isObjectType(connection) ? connection.getFields().nodes : undefined;
    const node = nodes && getNamedType(nodes.type);
    if (!isObjectType(node) || !("id" in node.getFields())) return [];
    const shown = SHOWN.filter((name) => isPlain(node.getFields()[name]));
    return shown.length > 0 ? [findOf(field, shown)] : [];
  });
}

function isPlain(field: GraphQLField<unknown, unknown> | undefined): boolean {
  return field !== undefined && isScalarType(getNamedType(field.type)) && field.args.length === 0;
}

function findOf(field: GraphQLField<unknown, unknown>, shown: string[]): Find {
  const name = `Find_${field.name}`;
  const filter = field.args.find((each) => each.name === "filter");
  const conditions = filter && getNamedType(filter.type);
  const within = isInputObjectType(conditions) ? SEARCHED_BY.find((each) => each in conditions.getFields()) : undefined;
  const isDirect = field.args.some((each) => each.name === "search");
  const condition = isDirect ? "search: $search, " : within ? `filter: {${within}: $search}, ` : "";
  const variables = condition ? "($search: String)" : "";
  const text = `query ${name}${variables} { found: ${field.name}(${condition}first: 20) { nodes { id ${shown.join(" ")} } } }`;
  return {name, text, root: field.name, takesSearch: condition !== ""};
}

function moduleOf(found: Step[], finds: Find[]): string {
  const step = ({mutation, text, takesKey}: Step) => `  ${mutation}: {document: ${JSON.stringify(text)} as unknown as StepDocument, takesKey: ${takesKey}},`;
  const find = ({root, text, takesSearch}: Find) => `  ${root}: {document: ${JSON.stringify(text)} as unknown as FindDocument, takesSearch: ${takesSearch}},`;
  return `import type {TypedDocumentNode} from "urql";

export type StepError = {code: string; message: string; path: string[]; reason?: string; limit?: string | null; currentVersion?: number};
export type StepResult = {done: {errors: StepError[]; warnings?: {message: string}[]}};
export type StepDocument = TypedDocumentNode<StepResult, {input: Record<string, unknown>}>;
export type FoundRecord = {id: string} & Partial<Record<${SHOWN.map((name) => `"${name}"`).join(" | ")}, string>>;
export type FindDocument = TypedDocumentNode<{found: {nodes: FoundRecord[]}}, {search?: string | null}>;

/** One mutation for each action, by its name in the API. */
export const STEPS: Record<string, {document: StepDocument; takesKey: boolean}> = {
${found.map(step).join("\n")}
};

/** One search for each list that a form can choose from. */
export const FINDS: Record<string, {document: FindDocument; takesSearch: boolean}> = {
${finds.map(find).join("\n")}
};
`;
}
