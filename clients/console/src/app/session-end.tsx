// A minute before a session ends, the person is asked to stay.
import {AlertDialog} from "@base-ui/react/alert-dialog";
import {useEffect, useState} from "react";
import {useClient, useMutation} from "urql";
import {end} from "@clinic-billing/shared/session.ts";
import {Ending, ExtendSession} from "../generated/shell.ts";

/** The question whether to stay signed in, and the end where nobody answers. */
export function SessionEnd() {
  const client = useClient();
  const [endsAt, setEndsAt] = useState<string | null>(null);
  const [left, setLeft] = useState(60);
  const [, extend] = useMutation(ExtendSession);
  useEffect(() => client.subscription(Ending, {}).subscribe(({data}) => data && setEndsAt(data.sessionEnding.endsAt)).unsubscribe, [client]);
  useEffect(() => {
    if (!endsAt) return;
    const tick = () => {
      const seconds = Math.ceil((Date.parse(endsAt) - Date.now()) / 1000);
      setLeft(Math.max(0, seconds));
      if (seconds <= 0) end("expired");
    };
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [endsAt]);
  const stay = async () => {
    const {error, data} = await extend({});
    if (!error && data?.extendSession.errors.length === 0) setEndsAt(null);
  };
  return (
    <AlertDialog.Root open={endsAt !== null}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title>Are you still there?</AlertDialog.Title>
          <AlertDialog.Description>You will be signed out in {left} seconds, because nothing was done for a while.</AlertDialog.Description>
          <div className="dialog-buttons">
            <button type="button" className="button quiet" onClick={() => end("signed-out")}>Sign out</button>
            <button type="button" className="button" onClick={stay}>Stay signed in</button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
