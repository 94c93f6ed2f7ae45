import { offer, pageOf, scriptStart } from "./page.ts";

/**
 * Where an invitation's link leads. Loading it does nothing, and neither does its button without the session of whoever the
 * invitation is for: what a program that looks into mail does here uses up nothing.
 */
const main = `
<p id="ask">Press the button to join the organisation that invites you.</p>
<form id="accept" hidden><button type="submit">Accept the invitation</button></form>
<p id="sign-in">You need to be signed in by the address to which the invitation was sent: <a href="/auth/sign-in" target="_blank" rel="noopener">sign in</a>, then press the button here.</p>
<p id="done" role="status" tabindex="-1"></p>
${offer}
<p id="problem" role="alert"></p>
`;

const script = String.raw`${scriptStart}
const token = location.hash.slice(1);
// Out of the address bar and the history, before anyone copies it from there.
history.replaceState(null, "", location.pathname);
show("accept", token !== "");
if (token === "") say("ask", "This page needs the whole link from your mail. Open the mail again.");
onSubmit("accept", async () => {
  let joined;
  try {
    joined = await post("/v1/invitations/accept", { token });
  } catch (refusal) {
    // What an API's caller is told of credentials helps nobody here.
    throw refusal.status === 401 ? { words: "You are not signed in yet." } : refusal;
  }
  show("ask", false);
  show("accept", false);
  show("sign-in", false);
  say("done", "You are in " + joined.organisation.name + " as " + joined.role + ".");
  show("offer", true);
  part("done").focus();
});
`;

export const invitationPage = pageOf("Invitation", main, script);
