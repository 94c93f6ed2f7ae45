/**
 * Words with which a person may ask for calls to end (47 CFR 64.1200(a)(10): any reasonable means; gates.md §3: doubt
 * counts as a stop). Matched on lower-cased text without punctuation. Add freely: a miss is a wrong call, a false hit one
 * lead.
 */
export const stopVocabularyVersion = "2026-11-21";

export const stopPhrases: readonly RegExp[] = [
  /\b(stop|quit|cease|end) (all |these |the |your |any )?(call|calls|calling|ringing|phoning|contacting|bothering|harassing)\b/,
  /\b(do not|dont|don t|never|not) (ever )?(call|ring|phone|contact|bother|dial)( me| us| this| here| again| back| anymore| my)\b/,
  /\b(do not|dont|don t|never) (ever )?(call|ring|phone|contact|bother) ?$/,
  /\b(remove|take|delete|drop|scratch|get|strike) (me|us|my (phone )?number|this number|our number|my name)( off| from| out|$)/,
  /\b(off|from) (of )?(your|the|this|that) (call |calling |phone |marketing )?(list|lists|database)\b/,
  /\bunsubscribe\b/,
  /\bopt(ing|ed)? (me )?out\b/,
  /\b(revoke|withdraw|cancel) (my |all )?(consent|permission)\b/,
  /\bno (more|further) (calls|calling|contact)\b/,
  /\b(lose|forget|delete|erase) (my|this) number\b/,
  /\bleave (me|us) alone\b/,
  /\bdo not call (list|registry)\b/,
  /\b(quit|stop) it\b/,
  /\bharass(ing|ment)\b/,
  /\bwrong (number|person)\b/,
  /\b(report|sue) (you|this)\b/,
  /^(stop|quit|end|revoke|cancel|unsubscribe|opt out|stop stop.*)$/,
];
