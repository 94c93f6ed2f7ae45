import { offer, pageOf, scriptStart } from "./page.ts";

/**
 * Where a mail's link leads. Loading it does nothing: programs that look into mail follow links, run scripts and press
 * buttons. The button sends the token, and what that comes to is the asking browser's cookie's matter.
 */
const main = `
<p id="ask">Press the button to sign in.</p>
<form id="open" hidden><button type="submit">Sign in</button></form>
<section id="relay" hidden aria-labelledby="relay-title">
<h2 id="relay-title" tabindex="-1">Enter this code where you asked to sign in</h2>
<output id="code-shown"></output>
<p>This is not the browser that asked for the link. If you asked for it in another one, type the code there. <strong>Give it to nobody else</strong>: whoever types it is signed in as you.</p>
</section>
<p id="done" role="status" tabindex="-1"></p>
${offer}
<p id="problem" role="alert"></p>
<p id="anew"><a href="/auth/sign-in">Ask for a new link</a></p>
`;

const script = String.raw`${scriptStart}
const token = location.hash.slice(1);
// Out of the address bar and the history, before anyone copies it from there.
history.replaceState(null, "", location.pathname);
show("open", token !== "");
if (token === "") say("ask", "This page needs the whole link from your mail. Open the mail again, or ask for a new link.");
onSubmit("open", async () => {
  const answer = await post("/auth/link/open", { token });
  show("open", false);
  show("ask", false);
  if (answer.status !== "relay") {
    show("anew", false);
    return signedIn(answer);
  }
  say("code-shown", answer.code);
  show("relay", true);
  part("relay-title").focus();
});
`;

export const linkPage = pageOf("Sign in", main, script);
