// What somebody has put into the form of an action, and the input of the mutation that follows from it.
import {cents, dollars, typedAmount} from "@clinic-billing/shared/money.ts";
import type {InvoiceQuery} from "../generated/invoice.ts";

export type Action = NonNullable<InvoiceQuery["invoice"]>["availableActions"][number];
/** An input at any depth; those of the innermost one have no fields. */
export type Input = Omit<Action["inputs"][number], "fields"> & {fields?: Input[]};
export type Value = string | boolean | Values | Value[];
export type Values = {[name: string]: Value};
/** What the record itself gives, such as its id and version. */
export type Given = Record<string, string | number>;
/** What is wrong, by the path of the input, such as "allocations.0.amount". */
export type Mistakes = Record<string, string>;

/** The values that a form begins with. */
export function beginning(inputs: Input[]): Values {
  return Object.fromEntries(inputs.filter(({isFromContext}) => !isFromContext).map((input) => [input.name, initial(input)]));
}

/** The value that an input begins with. */
export function initial(input: Input): Value {
  if (input.kind === "OBJECT") {
    const one = beginning(input.fields ?? []);
    return input.isList ? (input.isRequired ? [one] : []) : one;
  }
  if (input.kind === "BOOLEAN") return input.default === "true";
  if (input.isList && input.kind === "RECORD") return [];
  // What must be chosen and has one choice alone is chosen.
  if (input.isRequired && input.default === null && input.choices.length === 1 && !input.choicesFrom) return input.choices[0]!.value;
  return input.default ?? "";
}

/** The input of the mutation, or what is wrong with what was typed. */
export function inputOf(inputs: Input[], values: Values, given: Given): {input: Record<string, unknown>; mistakes: Mistakes} {
  const mistakes: Mistakes = {};
  return {input: objectOf(inputs, values, given, "", mistakes), mistakes};
}

function objectOf(inputs: Input[], values: Values, given: Given, path: string, mistakes: Mistakes): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const input of inputs) {
    const value = input.isFromContext ? given[input.name] : valueOf(input, values[input.name], given, `${path}${input.name}`, mistakes);
    if (value !== undefined) found[input.name] = value;
  }
  return found;
}

function valueOf(input: Input, value: Value | undefined, given: Given, path: string, mistakes: Mistakes): unknown {
  if (input.kind === "OBJECT") {
    const one = (each: Value, within: string) => objectOf(input.fields ?? [], each as Values, given, `${within}.`, mistakes);
    if (!input.isList) return one(value ?? {}, path);
    const all = (value ?? []) as Value[];
    return all.length > 0 || input.isRequired ? all.map((each, index) => one(each, `${path}.${index}`)) : undefined;
  }
  if (input.kind === "BOOLEAN") return value === true || input.isRequired ? value === true : undefined;
  if (input.isList) {
    const all = Array.isArray(value) ? value : String(value ?? "").split(/[\s,;]+/).filter(Boolean);
    return all.length > 0 || input.isRequired ? all : undefined;
  }
  const text = String(value ?? "").trim();
  if (!text) {
    if (input.isRequired) mistakes[path] = "This is needed.";
    return undefined;
  }
  return scalarOf(input, text, path, mistakes);
}

function scalarOf(input: Input, text: string, path: string, mistakes: Mistakes): unknown {
  if (input.kind === "AMOUNT") {
    const amount = typedAmount(text);
    const wrong = amount === null ? "An amount such as 1,234.50." : beyond(input, amount);
    if (wrong) mistakes[path] = wrong;
    return amount ?? undefined;
  }
  if (input.kind === "INTEGER") {
    if (!/^\d{1,9}$/.test(text)) mistakes[path] = "A whole number.";
    return Number(text);
  }
  return text;
}

/** What is wrong with an amount outside of its bounds; empty where nothing is. */
function beyond({minimum, maximum}: Input, amount: string): string {
  if (minimum !== null && cents(amount) < cents(minimum)) return `At least ${dollars(minimum)}.`;
  if (maximum !== null && cents(amount) > cents(maximum)) return `At most ${dollars(maximum)}.`;
  return "";
}
