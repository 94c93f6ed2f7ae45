import type { NextPath } from "../../domain/sign-in/next-path.ts";
import { factorForms, passkeyScript, scriptStart, shownFactorScript } from "./page.ts";

/**
 * What the pages of somebody who is signed in have in common: they lead whoever is not to where that is done and back, ask for a
 * second factor where one is to be shown, and then go on with what was asked for.
 */

/** Where a second factor is shown when something takes one. */
export const stepUp = `
<section id="stepup" hidden aria-labelledby="stepup-title">
<h2 id="stepup-title" tabindex="-1">Show a second factor first</h2>
<p>What you asked for takes one that was shown in this session. It goes on by itself then.</p>
<p id="no-factor" hidden>You have none yet: <a href="/auth/factors">add one</a>, and come back.</p>
${factorForms("Show the code")}</section>
`;

/** @param path of the page itself, to which signing in leads back */
export const messagesOf = (path: NextPath): string => `
<div id="messages">
<p id="done" role="status"></p>
<p id="problem" role="alert"></p>
<p id="again" hidden><a href="/auth/sign-in?next=${path}">Sign in again</a></p>
</div>
`;

const refusalsOf = (path: NextPath): string => String.raw`
// What was asked for before a second factor was: it is done once that was shown.
let pending = null;
// What the session lacks is asked for here, or on the page that has it. The page itself has a function load().
const own = (work) => async () => {
  say("done", "");
  show("again", false);
  try {
    await work();
  } catch (refusal) {
    if (refusal.status === 401) return location.replace("/auth/sign-in?next=${path}");
    if (refusal.code === "second_factor_due") return location.replace("/auth/second-factor?next=${path}");
    if (refusal.code === "second_factor_missing") {
      pending = work;
      show("stepup", true);
      part("stepup-title").focus();
      throw { words: part("no-factor").hidden ? "First show a second factor that you have." : "This takes a second factor, and you have none yet." };
    }
    show("again", refusal.code === "session_not_recent");
    // Another page of this person, or somebody else, has changed what there is.
    if (work !== load && (refusal.status === 409 || refusal.status === 404)) await own(load)();
    throw refusal;
  }
};
const shown = (how) => own(async () => {
  await how();
  part("code").value = "";
  show("stepup", false);
  const work = pending || load;
  pending = null;
  await own(work)();
});
onSubmit("passkey", shown(showPasskey));
onSubmit("enter", shown(() => showCode(part("code").value)));
function tell(words, focus) {
  say("done", words);
  part(focus).focus();
}
const day = (at) => new Date(at).toLocaleDateString("en", { dateStyle: "medium" });
// One entry of a list. What is another's words is text, and never markup.
function itemOf(title, words, ...buttons) {
  const [item, name] = ["li", "strong"].map((tag) => document.createElement(tag));
  name.textContent = title;
  item.append(name, words, ...buttons);
  return item;
}
function buttonOf(word, label, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = word;
  button.setAttribute("aria-label", label);
  button.addEventListener("click", press);
  return button;
}
async function signOut(session) {
  await ask("DELETE", "/v1/sessions/" + session);
  location.assign("/auth/sign-in");
}
`;

/** What such a page's script begins with. */
export const ownScriptOf = (path: NextPath): string => `${scriptStart}${passkeyScript}${shownFactorScript}${refusalsOf(path)}`;
