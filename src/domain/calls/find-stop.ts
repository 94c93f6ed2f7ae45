import type { TranscriptTurn } from "../../providers/voice/contract.ts";
import { stopPhrases } from "./stop-vocabulary.ts";

/**
 * Whether anything that the person said, or pressed, may ask for calls to end. Searched before a transcript is dropped.
 * A refusal of the offer or of the moment alone ("not today") is none.
 */
export function findStop(transcript: readonly TranscriptTurn[]): boolean {
  return transcript.some((turn) => turn.role === "person" && saysStop(turn.text));
}

function saysStop(text: string): boolean {
  const words = text
    .toLowerCase()
    .normalize("NFKC")
    .replace(/['’]/g, "")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
  return stopPhrases.some((phrase) => phrase.test(words));
}
