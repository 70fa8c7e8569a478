"use strict";

// Each form sends one mutation; `success` turns its payload into the sentence that is shown.
const FORMS = {
  "invitation": {
    query: `mutation ($input: AcceptInvitationInput!) {
      acceptInvitation(input: $input) { email clinicName errors { message path } } }`,
    success: (payload) => `Done: sign in to ${payload.clinicName} as ${payload.email}.`,
  },
  "password-reset": {
    query: "mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { errors { message path } } }",
    success: () => "Done: sign in with the new password.",
  },
  "second-factor-reset": {
    query: `mutation ($input: RemoveLostSecondFactorInput!) {
      removeLostSecondFactor(input: $input) { errors { message path } } }`,
    success: () => "Done: sign in with your password.",
  },
  "forgotten-password": {
    query: "mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { isRequested } }",
    success: () => "If this e-mail has an account, a link is on its way. It is valid for an hour.",
  },
};

const name = location.pathname.split("/").pop();
const form = document.getElementById(name);
const result = document.getElementById("result");
// The token leaves the address bar, so that it stays in no history and in no screenshot.
const token = location.hash.slice(1);
if (token) history.replaceState(null, "", location.pathname);

function show(text, refused) {
  result.textContent = text;
  result.classList.toggle("refused", refused);
}

async function send(input) {
  const response = await fetch("graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query: FORMS[name].query, variables: { input } }),
  });
  const answer = await response.json();
  if (answer.errors) throw new Error(answer.errors[0].message);
  return Object.values(answer.data)[0];
}

async function submit(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  const input = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  if (name !== "forgotten-password") input.token = token;
  button.disabled = true;
  show("", false);
  try {
    const payload = await send(input);
    const [error] = payload.errors ?? [];
    if (!error) {
      form.hidden = true;
      show(FORMS[name].success(payload), false);
      return;
    }
    // The code is asked for once the server says that it is needed.
    if (error.path.includes("secondFactorCode")) form.querySelector("[name=secondFactorCode]").parentElement.hidden = false;
    show(`${error.message}.`, true);
  } catch (error) {
    show(`This did not work: ${error.message}`, true);
  } finally {
    button.disabled = false;
  }
}

if (name !== "forgotten-password" && !token) {
  show("This page needs the whole link of the message: open it again.", true);
} else {
  form.hidden = false;
  form.addEventListener("submit", submit);
  form.querySelector("input").focus();
}
