// Sign-in: password, and what the server asks for beyond it: the second factor, the clinic.
import {useId, useState} from "react";
import type {FormEvent, ReactNode} from "react";
import {useMutation} from "urql";
import {begin, howEnded} from "@clinic-billing/shared/session.ts";
import {american} from "@clinic-billing/shared/words.ts";
import {SignIn as SignInDocument} from "../../generated/sign-in.ts";
import type {SignInInput, SignInMutation} from "../../generated/sign-in.ts";
import {DemoAccounts} from "./demo-accounts.tsx";
import "./sign-in.css";

type Answer = SignInMutation["signIn"];
type Asked = {code: boolean; clinics: Answer["clinics"]; enrolment: Answer["enrolment"]};

const NOTHING_ASKED: Asked = {code: false, clinics: [], enrolment: null};

/** The page for whoever is not signed in. */
export function SignIn() {
  const [answer, signIn] = useMutation(SignInDocument);
  const [asked, setAsked] = useState(NOTHING_ASKED);
  const [problem, setProblem] = useState("");
  const [codes, setCodes] = useState<{token: string; codes: string[]} | null>(null);
  const send = async (input: SignInInput) => {
    setProblem("");
    const {data, error} = await signIn({input});
    if (!data) {
      setProblem(error?.networkError ? "The server cannot be reached. Try again in a moment." : (error?.graphQLErrors[0]?.message ?? "Try again."));
      return;
    }
    const {token, clinics, enrolment, recoveryCodes, errors} = data.signIn;
    if (token && recoveryCodes.length > 0) setCodes({token, codes: recoveryCodes});
    else if (token) begin(token);
    else {
      const needsCode = errors.some(({reason}) => reason === "CODE_NEEDED");
      setAsked((before) => ({
        code: before.code || needsCode || enrolment !== null,
        clinics: clinics.length > 0 ? clinics : before.clinics,
        enrolment: enrolment ?? before.enrolment,
      }));
      if (!needsCode && clinics.length === 0 && !enrolment) setProblem(american(errors.map(({message}) => message).join(" ")));
    }
  };
  return (
    <div className="sign-in">
      <main className="panel sign-in-panel">
        <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="44" height="44" />
        <h1>Clinic Billing</h1>
        <Ended />
        {codes ? <RecoveryCodes {...codes} /> : <Form asked={asked} problem={problem} isBusy={answer.fetching} onSend={send} />}
        {!codes && <DemoAccounts onChoose={send} />}
      </main>
    </div>
  );
}

function Ended() {
  if (howEnded() !== "expired") return null;
  return <p role="status" className="note">Your session has ended. Sign in to go on.</p>;
}

type FormProps = {asked: Asked; problem: string; isBusy: boolean; onSend: (input: SignInInput) => void};

function Form({asked, problem, isBusy, onSend}: FormProps) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    const text = (name: string) => String(values.get(name) ?? "").trim();
    onSend({
      email: text("email"),
      password: String(values.get("password") ?? ""),
      ...(text("code") && {secondFactorCode: text("code")}),
      ...(text("clinic") && {clinic: text("clinic")}),
    });
  };
  return (
    <form onSubmit={submit}>
      <Field label="Email">{(id) => <input id={id} name="email" type="email" autoComplete="username" required autoFocus />}</Field>
      <Field label="Password">{(id) => <input id={id} name="password" type="password" autoComplete="current-password" required />}</Field>
      {asked.enrolment && (
        <div className="note">
          <p>Your clinic asks for a second factor. Add this key to an authenticator app, then type the code that it shows.</p>
          <p><a href={asked.enrolment.otpauthUrl}>Open in an app on this device</a></p>
          <code className="secret">{asked.enrolment.secret.replace(/(.{4})/g, "$1 ")}</code>
        </div>
      )}
      {asked.code && (
        <Field label="Code" hint="Of your authenticator app, or a recovery code.">
          {(id) => <input id={id} name="code" autoComplete="one-time-code" required autoFocus />}
        </Field>
      )}
      {asked.clinics.length > 0 && (
        <Field label="Clinic">
          {(id) => (
            <select id={id} name="clinic" required autoFocus>
              {asked.clinics.map(({name, shortName}) => <option key={shortName} value={shortName}>{name}</option>)}
            </select>
          )}
        </Field>
      )}
      {problem && <p role="alert" className="problem">{problem}</p>}
      <button type="submit" className="button wide" disabled={isBusy}>{isBusy ? "Signing in…" : "Sign in"}</button>
      <p className="quiet-line"><a href="/forgotten-password">Forgot your password?</a></p>
    </form>
  );
}

function Field({label, hint, children}: {label: string; hint?: string; children: (id: string) => ReactNode}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
      {hint && <small>{hint}</small>}
    </div>
  );
}

function RecoveryCodes({token, codes}: {token: string; codes: string[]}) {
  return (
    <div>
      <h2>Keep these codes</h2>
      <p>Each of them replaces your authenticator app once. They are shown only now.</p>
      <ul className="codes">{codes.map((code) => <li key={code}><code>{code}</code></li>)}</ul>
      <button type="button" className="button wide" onClick={() => begin(token)}>I have kept them</button>
    </div>
  );
}
