// Decides what the bar above the editor shows: the sign-in form, or who is signed in and with which role.
import { useState } from "react";
import { post, SIGN_IN } from "./session.js";

const UNREACHABLE = "The server could not be reached.";

// What else the server asks for: a choice of clinics, or the code of the second factor.
async function signIn(input) {
  const { answer } = await post({ query: SIGN_IN, operationName: "SignIn", variables: { input } }, null);
  const payload = answer.data?.signIn;
  if (payload?.token) return { token: payload.token };
  const problems = [...(payload?.errors ?? []), ...(answer.errors ?? [])];
  const needsCode = problems.some((problem) => problem.reason === "CODE_NEEDED");
  const clinics = payload?.clinics ?? [];
  if (needsCode) return { needsCode, problem: "Type the code of your authenticator app." };
  if (clinics.length > 0) return { clinics, problem: "Choose the clinic." };
  throw new Error(problems.map((problem) => problem.message).join(" ") || "Sign-in failed.");
}

function Clinics({ clinics }) {
  return (
    <select name="clinic" aria-label="Clinic" required>
      {clinics.map(({ name, shortName }) => <option key={shortName} value={shortName}>{name}</option>)}
    </select>
  );
}

function SignInForm({ onToken, notice }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState({ clinics: [], needsCode: false });
  const submit = async (event) => {
    event.preventDefault();
    const given = Object.fromEntries([...new FormData(event.currentTarget)].filter(([, value]) => value !== ""));
    setBusy(true);
    setProblem(null);
    try {
      const { token, problem: next, ...more } = await signIn(given);
      if (token) { onToken(token); return; }
      setAsked((before) => ({ ...before, ...more }));
      setProblem(next);
    } catch (error) {
      setProblem(error instanceof TypeError ? UNREACHABLE : error.message);
    }
    setBusy(false);
  };
  return (
    <form className="bar-form" onSubmit={submit} aria-label="Sign in">
      <span className="bar-notice" role="status">{problem ?? notice}</span>
      <input name="email" type="email" autoComplete="username" placeholder="e-mail" aria-label="E-mail" required />
      <input name="password" type="password" autoComplete="current-password" placeholder="password" aria-label="Password" required />
      {asked.clinics.length > 0 && <Clinics clinics={asked.clinics} />}
      {asked.needsCode && (
        <input name="secondFactorCode" inputMode="numeric" autoComplete="one-time-code" placeholder="code" aria-label="Code" required autoFocus />
      )}
      <button type="submit" disabled={busy}>Sign in</button>
    </form>
  );
}

function SignedIn({ viewer, onSignOut }) {
  return (
    <div className="bar-form">
      <span className="bar-viewer" role="status">
        {viewer ? <>{viewer.email} <b>{viewer.role}</b></> : "Signing in …"}
      </span>
      <button type="button" onClick={onSignOut}>Sign out</button>
    </div>
  );
}

export function Bar({ token, viewer, notice, onToken, onSignOut }) {
  return (
    <header className="bar">
      <strong>Clinic Billing</strong>
      {token ? <SignedIn viewer={viewer} onSignOut={onSignOut} /> : <SignInForm onToken={onToken} notice={notice} />}
    </header>
  );
}
