import type { TranscriptTurn } from "../../providers/voice/contract.ts";
import { harmless } from "./harmless-phrases.ts";
import { stopPhrases } from "./stop-vocabulary.ts";

export type StopFound = "transcript" | "key_press";

/** A sentence is cut where the person breathes, or where the agent says "mhm": so many of their turns are read as one, too. */
const turnsJoined = 3;

/**
 * Whether anything that the person said, or pressed, may ask for calls to end, and by which of the two. Searched before a
 * transcript is dropped. A refusal of the offer or of the moment alone ("not today") is none.
 */
export function findStop(transcript: readonly TranscriptTurn[]): StopFound | null {
  let said: readonly string[] = [];
  for (const turn of transcript) {
    if (turn.role !== "person") continue;
    // The opening offers a key as the opt-out (47 CFR 64.1200(b)(3)), so a pressed key is one, whichever it was.
    if (keyPress.test(turn.text)) return "key_press";
    said = [...said, plainWords(turn.text)].slice(-turnsJoined);
    if (said.some((_, from) => saysStop(said.slice(from).join(" ")))) return "transcript";
    if (asks(said.at(-1) ?? "").some(hasPhrase)) return "transcript";
  }
  return null;
}

const keyPress = /^\[key [^\]]{0,32}\]$/;

/** Lower case and no accents; `|` where a clause ends. */
function plainWords(text: string): string {
  return text
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[\p{M}\p{Cf}]/gu, "")
    .replace(/['’‘ʼ‛′`´]/g, "")
    .replace(/[.?!;:,\u2026\u2013\u2014]+(?=\s|$)|\s*-+(?=\s)/gu, " | ")
    .replace(/[^\p{L}\p{N}|]+/gu, " ")
    .replace(/\b(do|does|did|wo|would|should|must|ca|have|has|is|are) ?n t\b/g, "$1nt")
    .replace(/\b(don|doesn|didn|won|wouldn|shouldn|mustn|can|haven|hasn|isn|aren) t\b/g, "$1t")
    .trim();
}

/** The clauses of what was said, without what is harmless: that stands within one, of "Who am I? Don't call me" nothing is. */
const asks = (words: string): string[] =>
  harmless
    .reduce((left, asksNothing) => left.replace(asksNothing, " "), words)
    .replace(/ +/g, " ")
    .split("|")
    .map((clause) => clause.trim())
    .filter((clause) => clause !== "");
/** A stop may be said in pieces, or be a clause of its own. */
const saysStop = (words: string): boolean => hasPhrase(asks(words).join(" "));
const hasPhrase = (said: string): boolean => stopPhrases.some((phrase) => phrase.test(said));
