// The dialog of an action: its form as the API describes it, sent once, with what went wrong beside the field that it is about.
import {Dialog} from "@base-ui/react/dialog";
import {useEffect, useRef, useState} from "react";
import type {FormEvent} from "react";
import {useClient} from "urql";
import {american} from "@clinic-billing/shared/words.ts";
import {STEPS} from "../generated/steps.ts";
import type {StepError} from "../generated/steps.ts";
import {Fields} from "./field.tsx";
import {beginning, inputOf} from "./values.ts";
import type {Action, Given, Mistakes} from "./values.ts";

type Props = {action: Action; given: Given; onDone: (words: string) => void; onStale: () => void; onClose: () => void};

/** The form of one action, open until it is done or closed. */
export function ActionDialog({action, given, onDone, onStale, onClose}: Props) {
  const client = useClient();
  const [values, setValues] = useState(() => beginning(action.inputs));
  const [mistakes, setMistakes] = useState<Mistakes>({});
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  // The same form sent again takes effect once.
  const [key, setKey] = useState(freshKey);
  const label = american(action.label);
  const popup = useRef<HTMLDivElement>(null);
  useEffect(() => popup.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus(), [mistakes]);

  const send = async () => {
    const step = STEPS[action.mutation];
    const {input, mistakes: found} = inputOf(action.inputs, values, given);
    setMistakes(found);
    setProblem("");
    if (!step || Object.keys(found).length > 0) return;
    setBusy(true);
    const {data, error} = await client.mutation(step.document, {input: {...input, ...(step.takesKey && {idempotencyKey: key})}}).toPromise();
    setBusy(false);
    if (!data) {
      setProblem(error?.networkError ? "The server cannot be reached. What you typed is still here: send it again." : american(error?.graphQLErrors[0]?.message ?? ""));
      return;
    }
    const {errors, warnings = []} = data.done;
    if (errors.length === 0) return onDone([label, ...warnings.map(({message}) => american(message))].join(". "));
    setKey(freshKey());
    if (errors.some(({code}) => code === "STALE_VERSION")) {
      onStale();
      setProblem("Somebody else has changed this invoice in the meantime. Behind this dialog you see it as it is now; send again if it still fits.");
      return;
    }
    const {known, other} = sorted(errors, action);
    setMistakes(known);
    setProblem(other.join(" "));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void send();
  };
  return (
    <Dialog.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog" ref={popup} initialFocus={() => firstEmpty(popup.current)}>
          <Dialog.Title>{label}</Dialog.Title>
          {action.warnings.map(({code, message}) => <p key={code} className="note">{american(message)}</p>)}
          <form onSubmit={submit} noValidate>
            <Fields inputs={action.inputs} values={values} onChange={setValues} mistakes={mistakes} />
            {problem && <p role="alert" className="problem">{problem}</p>}
            <div className="dialog-buttons">
              <Dialog.Close className="button quiet">Cancel</Dialog.Close>
              <button type="submit" className="button" disabled={isBusy}>{isBusy ? "Sending…" : label}</button>
            </div>
          </form>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** Where typing begins: the first field that is needed and empty. */
function firstEmpty(popup: HTMLElement | null): HTMLElement | true {
  const needed = popup?.querySelectorAll<HTMLInputElement>("[aria-required=true]") ?? [];
  return [...needed].find(({value}) => !value) ?? true;
}

/** Errors beside their fields, and the others in one place. */
function sorted(errors: StepError[], action: Action): {known: Mistakes; other: string[]} {
  const known: Mistakes = {};
  const other: string[] = [];
  for (const {path, message} of errors) {
    const place = (path[0] === "input" ? path.slice(1) : path).join(".");
    const isShown = action.inputs.some(({name, isFromContext}) => !isFromContext && place.split(".")[0] === name);
    if (isShown) known[place] = american(message);
    else other.push(american(message));
  }
  return {known, other};
}

function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
