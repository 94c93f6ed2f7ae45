import type { TranscriptTurn } from "../../providers/voice/contract.ts";
import { harmlessStops, stopPhrases } from "./stop-vocabulary.ts";

export type StopFound = "transcript" | "key_press";

/**
 * Whether anything that the person said, or pressed, may ask for calls to end, and by which of the two. Searched before a
 * transcript is dropped. A refusal of the offer or of the moment alone ("not today") is none.
 */
export function findStop(transcript: readonly TranscriptTurn[]): StopFound | null {
  let before = "";
  for (const turn of transcript) {
    if (turn.role === "tool") continue;
    if (turn.role === "agent") {
      before = "";
      continue;
    }
    // The opening offers a key as the opt-out (47 CFR 64.1200(b)(3)), so a pressed key is one, whichever it was.
    if (keyPress.test(turn.text)) return "key_press";
    const words = plainWords(turn.text);
    // Speech recognition cuts a sentence where the person breathes: two turns in a row are read as one, too.
    if (saysStop(words) || (before !== "" && saysStop(`${before} ${words}`))) return "transcript";
    before = words;
  }
  return null;
}

const keyPress = /^\[key [^\]]{0,32}\]$/;

function plainWords(text: string): string {
  return text
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/['’‘ʼ‛′`´]/g, "")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .replace(/\b(do|does|did|wo|would|should|must|ca|have|has|is|are) ?n t\b/g, "$1nt")
    .replace(/\b(don|doesn|didn|won|wouldn|shouldn|mustn|can|haven|hasn|isn|aren) t\b/g, "$1t")
    .trim();
}

function saysStop(words: string): boolean {
  const meant = words.replace(harmlessStops, " ").replace(/ +/g, " ").trim();
  return stopPhrases.some((phrase) => phrase.test(meant));
}
