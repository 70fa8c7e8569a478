// Decides what the bar above the editor shows: the sign-in form, or who is signed in and with which role.
import { useState } from "react";
import { post, SIGN_IN } from "./session.js";

const UNREACHABLE = "The server could not be reached.";

async function signIn(input) {
  const { answer } = await post({ query: SIGN_IN, operationName: "SignIn", variables: { input } }, null);
  const payload = answer.data?.signIn;
  if (payload?.token) return payload.token;
  const problems = [...(payload?.errors ?? []), ...(answer.errors ?? [])];
  throw new Error(problems.map((problem) => problem.message).join(" ") || "Sign-in failed.");
}

function SignInForm({ onToken, notice }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      onToken(await signIn({ email: fields.get("email"), password: fields.get("password") }));
    } catch (error) {
      setProblem(error instanceof TypeError ? UNREACHABLE : error.message);
      setBusy(false);
    }
  };
  return (
    <form className="bar-form" onSubmit={submit} aria-label="Sign in">
      <span className="bar-notice" role="status">{problem ?? notice}</span>
      <input name="email" type="email" autoComplete="username" placeholder="e-mail" aria-label="E-mail" required />
      <input name="password" type="password" autoComplete="current-password" placeholder="password" aria-label="Password" required />
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
