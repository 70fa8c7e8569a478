// One input of a form, by its kind; nothing here knows which action it belongs to.
import {useId} from "react";
import {dollars} from "@clinic-billing/shared/money.ts";
import {american} from "@clinic-billing/shared/words.ts";
import {Chooser} from "./chooser.tsx";
import {Upload} from "./upload.tsx";
import {initial} from "./values.ts";
import type {Input, Mistakes, Value, Values} from "./values.ts";

const SHORT = ["AMOUNT", "INTEGER", "DATE", "CHOICE"];

type Props<Of extends Value = Value> = {input: Input; value: Of; onChange: (value: Value) => void; path: string; mistakes: Mistakes};

/** The fields of a form: what is needed and what has a value first, the rest behind a word. */
export function Fields({inputs, values, onChange, path = "", mistakes}: {
  inputs: Input[];
  values: Values;
  onChange: (values: Values) => void;
  path?: string;
  mistakes: Mistakes;
}) {
  const own = inputs.filter((input) => !input.isFromContext && (input.isRequired || hasChoice(input)));
  const first = own.filter(({isRequired, default: known}) => isRequired || known !== null);
  const shown = first.length > 0 ? first : own;
  const hidden = own.filter((input) => !shown.includes(input));
  const field = (input: Input) => (
    <Field
      key={input.name}
      input={input}
      value={values[input.name] ?? ""}
      onChange={(value) => onChange({...values, [input.name]: value})}
      path={path + input.name}
      mistakes={mistakes}
    />
  );
  return (
    <div className="fields">
      {shown.map(field)}
      {hidden.length > 0 && (
        <details open={hidden.some(({name}) => Object.keys(mistakes).some((wrong) => wrong.startsWith(path + name)))}>
          <summary>More ({hidden.length})</summary>
          <div className="fields">{hidden.map(field)}</div>
        </details>
      )}
    </div>
  );
}

/** Whether there is anything to choose, where only a choice is possible. */
function hasChoice({kind, choices, choicesFrom}: Input): boolean {
  return !["CHOICE", "RECORD"].includes(kind) || choices.length > 0 || choicesFrom !== null;
}

function Field(props: Props) {
  const {input, value, onChange} = props;
  if (input.kind === "OBJECT") return input.isList ? <Objects {...props} value={value as Value[]} /> : <One {...props} value={value as Values} />;
  if (input.kind === "BOOLEAN") {
    return (
      <label className="check-field">
        <input type="checkbox" checked={value === true} onChange={({target}) => onChange(target.checked)} />
        {american(input.label)}
      </label>
    );
  }
  if (input.isList && input.kind === "RECORD") return <Several {...props} value={(Array.isArray(value) ? value : []) as string[]} />;
  return <Labeled {...props} value={String(value)} />;
}

function Labeled(props: Props<string>) {
  const id = useId();
  const {input, path, mistakes} = props;
  const mistake = mistakes[path];
  const hint = hintOf(input);
  return (
    <div className={["field", SHORT.includes(input.kind) && "short", mistake && "wrong"].filter(Boolean).join(" ")}>
      <label htmlFor={id}>
        {american(input.label)}
        {!input.isRequired && <span className="muted"> (optional)</span>}
      </label>
      <Control {...props} id={id} described={`${id}-hint`} />
      <small id={`${id}-hint`} role={mistake ? "alert" : undefined}>{mistake ?? hint}</small>
    </div>
  );
}

function Control({input, value, onChange, id, described, path, mistakes}: Props<string> & {id: string; described: string}) {
  const common = {id, "aria-describedby": described, "aria-invalid": path in mistakes, "aria-required": input.isRequired};
  const typed = ({target}: {target: {value: string}}) => onChange(target.value);
  if (input.kind === "UPLOAD") return <Upload {...common} accepts={input.accepts} onChange={onChange} />;
  if (input.choicesFrom && (input.kind === "RECORD" || input.kind === "TEXT")) {
    return <Chooser {...common} root={input.choicesFrom} by={input.kind === "RECORD" ? "id" : "code"} value={value} known={input.choices} onChange={onChange} />;
  }
  if (input.kind === "CHOICE" || input.kind === "RECORD") {
    return (
      <select {...common} value={value} onChange={typed}>
        {(!input.isRequired || !value) && <option value="">{input.choices.length > 0 ? "" : "Nothing to choose"}</option>}
        {input.choices.map((choice) => <option key={choice.value} value={choice.value}>{american(choice.label)}</option>)}
      </select>
    );
  }
  if (input.kind === "DATE") {
    return <input {...common} type="date" value={value} onChange={typed} min={input.minimum ?? undefined} max={input.maximum ?? undefined} />;
  }
  const mode = input.kind === "AMOUNT" ? "decimal" : input.kind === "INTEGER" ? "numeric" : "text";
  return <input {...common} inputMode={mode} autoComplete="off" value={value} onChange={typed} className={mode === "text" ? undefined : "amount-input"} />;
}

function hintOf({kind, maximum, isList}: Input): string {
  if (kind === "AMOUNT" && maximum !== null) return `At most ${dollars(maximum)}`;
  return isList ? "Several with commas between" : "";
}

function One({input, value, onChange, path, mistakes}: Props<Values>) {
  return (
    <fieldset>
      <legend>{american(input.label)}</legend>
      <Fields inputs={input.fields ?? []} values={value} onChange={onChange} path={`${path}.`} mistakes={mistakes} />
    </fieldset>
  );
}

function Objects({input, value, onChange, path, mistakes}: Props<Value[]>) {
  const fields = input.fields ?? [];
  // What names the record itself, such as an allocation to this invoice, stands there once.
  const isOnce = fields.some(({isFromContext, kind}) => isFromContext && kind === "RECORD");
  const empty = () => (initial({...input, isList: false}) as Values);
  return (
    <fieldset>
      <legend>{american(input.label)}</legend>
      {value.map((each, index) => (
        <div key={index} className="entry">
          <Fields
            inputs={fields}
            values={each as Values}
            onChange={(next) => onChange(value.map((other, place) => (place === index ? next : other)))}
            path={`${path}.${index}.`}
            mistakes={mistakes}
          />
          {!isOnce && (value.length > 1 || !input.isRequired) && (
            <button type="button" className="button link" onClick={() => onChange(value.filter((_, place) => place !== index))}>Remove</button>
          )}
        </div>
      ))}
      {(!isOnce || value.length === 0) && <button type="button" className="button quiet" onClick={() => onChange([...value, empty()])}>Add</button>}
    </fieldset>
  );
}

function Several({input, value, onChange}: Props<string[]>) {
  return (
    <fieldset>
      <legend>{american(input.label)}</legend>
      {input.choices.map((choice) => (
        <label key={choice.value} className="check-field">
          <input
            type="checkbox"
            checked={value.includes(choice.value)}
            onChange={({target}) => onChange(target.checked ? [...value, choice.value] : value.filter((each) => each !== choice.value))}
          />
          {american(choice.label)}
        </label>
      ))}
    </fieldset>
  );
}
