// Live screens: an event leads to a callback, and after anything that may have been missed the screen reads again.
import {useEffect, useEffectEvent, useState} from "react";
import {useClient} from "urql";
import type {AnyVariables, TypedDocumentNode} from "urql";
import {useShell} from "./context.ts";

const PAUSE_MS = 1000;

/** Call `onEvent` for each event of a subscription, and `onMissed` where events may have been missed. */
export function useLive<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  onEvent: (data: Data) => void,
  onMissed: () => void,
): void {
  const client = useClient();
  const {connection} = useShell();
  const [attempt, setAttempt] = useState(0);
  const told = useEffectEvent(onEvent);
  const missed = useEffectEvent(onMissed);
  const key = JSON.stringify(variables);
  useEffect(() => {
    let again: ReturnType<typeof setTimeout> | undefined;
    const returns = connection.returns();
    const stop = connection.listen(() => connection.returns() > returns && missed());
    // The variables are as new as their key.
    const {unsubscribe} = client.subscription(document, JSON.parse(key) as Variables).subscribe(({data, error}) => {
      if (data) told(data);
      else if (error) {
        // CHANGES_MISSED and TOO_SLOW end a subscription: read again, and subscribe anew.
        again = setTimeout(() => {
          missed();
          setAttempt((count) => count + 1);
        }, PAUSE_MS);
      }
    });
    return () => {
      unsubscribe();
      stop();
      clearTimeout(again);
    };
  }, [client, document, key, attempt, connection]);
}
