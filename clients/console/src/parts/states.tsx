// What is shown while something is read, where nothing was found, and where it failed.
import {useEffect, useState} from "react";
import type {ReactNode} from "react";
import type {CombinedError} from "urql";

const PATIENCE_MS = 300;

/** A sign of progress, after the time in which nobody waits for one. */
export function Waiting() {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return <div className="waiting" role="status">{isLong && "Loading…"}</div>;
}

/** An error of a request, in words for the person. */
export function Problem({error}: {error: CombinedError}) {
  const words = error.networkError
    ? "The server cannot be reached. Try again in a moment."
    : error.graphQLErrors.map(({message}) => message).join(" ");
  return <p className="problem" role="alert">{words}</p>;
}

/** Where a list has nothing to show. */
export function Nothing({children}: {children: ReactNode}) {
  return <p className="nothing">{children}</p>;
}
