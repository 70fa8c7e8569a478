// What narrows the list: search, status, age, days of service.
import {useEffect, useRef, useState} from "react";
import {useSearchParams} from "react-router";
import {useShell} from "../../app/context.ts";
import {BUCKETS, STATUSES, WORKLISTS, changed, toggled} from "./address.ts";

const PAUSE_MS = 250;

/** The filter of the list. */
export function Filters() {
  const [address, setAddress] = useSearchParams();
  const isNarrowed = [...address.keys()].some((name) => name !== "order");
  return (
    <div className="filters" role="search" aria-label="Invoices">
      <div className="filter-line">
        <Search />
        <label className="inline-field">
          Service from
          <input type="date" value={address.get("serviceFrom") ?? ""} onChange={({target}) => setAddress(changed(address, "serviceFrom", target.value))} />
        </label>
        <label className="inline-field">
          to
          <input type="date" value={address.get("serviceTo") ?? ""} onChange={({target}) => setAddress(changed(address, "serviceTo", target.value))} />
        </label>
        <OneList />
        {isNarrowed && (
          <button type="button" className="button link" onClick={() => setAddress(changed(new URLSearchParams(), "order", address.get("order") ?? ""))}>
            Clear filters
          </button>
        )}
      </div>
      <div className="filter-line">
        <Chips name="status" legend="Status" type="InvoiceStatus" values={STATUSES} />
        <Chips name="agingBucket" legend="Age" type="AgingBucket" values={BUCKETS} />
      </div>
    </div>
  );
}

function OneList() {
  const {label} = useShell();
  const [address, setAddress] = useSearchParams();
  return (
    <label className="inline-field">
      List
      <select value={address.get("worklist") ?? ""} onChange={({target}) => setAddress(changed(address, "worklist", target.value))}>
        <option value="">All invoices</option>
        {WORKLISTS.map((name) => <option key={name} value={name}>{label("WorklistName", name)}</option>)}
      </select>
    </label>
  );
}

function Chips({name, legend, type, values}: {name: string; legend: string; type: string; values: string[]}) {
  const {label} = useShell();
  const [address, setAddress] = useSearchParams();
  return (
    <div role="group" aria-label={legend} className="chips">
      {values.map((value) => (
        <button key={value} type="button" className="chip" aria-pressed={address.has(name, value)} onClick={() => setAddress(toggled(address, name, value))}>
          {label(type, value)}
        </button>
      ))}
    </div>
  );
}

function Search() {
  const [address, setAddress] = useSearchParams();
  const current = address.get("search") ?? "";
  const [typed, setTyped] = useState(current);
  const field = useRef<HTMLInputElement>(null);
  // Back and forward change what is searched for, too.
  useEffect(() => setTyped(current), [current]);
  useEffect(() => {
    if (typed === current) return;
    const timer = setTimeout(() => setAddress((before) => changed(before, "search", typed), {replace: current !== ""}), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, current, setAddress]);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "k") return;
      event.preventDefault();
      field.current?.select();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  return (
    <input
      ref={field}
      type="search"
      className="search"
      aria-label="Search invoices"
      placeholder="Number, case, patient… (Ctrl-K)"
      value={typed}
      onChange={({target}) => setTyped(target.value)}
    />
  );
}
