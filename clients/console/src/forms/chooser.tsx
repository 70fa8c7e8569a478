// A record or a code that is looked for while somebody types.
import {Combobox} from "@base-ui/react/combobox";
import {useEffect, useState} from "react";
import {useClient} from "urql";
import {day} from "@clinic-billing/shared/days.ts";
import {dollars} from "@clinic-billing/shared/money.ts";
import {FINDS} from "../generated/steps.ts";
import type {FoundRecord} from "../generated/steps.ts";

type Choice = {value: string; label: string};
type Props = {root: string; by: "id" | "code"; value: string; known: Choice[]; onChange: (value: string) => void; id: string};

const PAUSE_MS = 200;

/** A field that finds what it is to be filled with. */
export function Chooser({root, by, value, known, onChange, id, ...aria}: Props) {
  const client = useClient();
  const [typed, setTyped] = useState("");
  const [choices, setChoices] = useState<Choice[]>(known);
  const [chosen, setChosen] = useState<Choice | null>(known.find((each) => each.value === value) ?? null);
  useEffect(() => {
    const find = FINDS[root];
    if (!find) return;
    const timer = setTimeout(async () => {
      const search = typed && typed !== chosen?.label ? typed : null;
      const {data} = await client.query(find.document, find.takesSearch ? {search} : {}, {requestPolicy: "network-only"}).toPromise();
      if (data) setChoices(data.found.nodes.map((record) => choiceOf(record, by)));
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, chosen, client, root, by]);
  // A value that the form began with has a name as soon as it is among what was found.
  useEffect(() => {
    if (value && !chosen) setChosen(choices.find((each) => each.value === value) ?? null);
  }, [choices, value, chosen]);
  return (
    <Combobox.Root
      items={choices}
      filter={null}
      value={chosen}
      isItemEqualToValue={(one: Choice, other: Choice) => one.value === other.value}
      onInputValueChange={setTyped}
      onValueChange={(next: Choice | null) => {
        setChosen(next);
        onChange(next?.value ?? "");
      }}
    >
      <Combobox.Input id={id} {...aria} placeholder={value && !chosen ? "As proposed" : "Type to search"} />
      <Combobox.Portal>
        <Combobox.Positioner className="above" sideOffset={4}>
          <Combobox.Popup className="menu choices">
            <Combobox.Empty className="menu-note">Nothing found</Combobox.Empty>
            <Combobox.List>
              {(item: Choice) => <Combobox.Item key={item.value} value={item} className="menu-item">{item.label}</Combobox.Item>}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  );
}

function choiceOf(record: FoundRecord, by: "id" | "code"): Choice {
  const {number, code, name, label, amount, receivedOn} = record;
  const words = [number, code, name, label, amount && dollars(amount), receivedOn && day(receivedOn)];
  return {value: (by === "code" ? code : undefined) ?? record.id, label: words.filter(Boolean).join(", ")};
}
