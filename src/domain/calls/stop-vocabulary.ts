/**
 * Words with which a person may ask for calls to end (47 CFR 64.1200(a)(10): any reasonable means; gates.md §3: doubt
 * counts as a stop). Matched on plain words (`find-stop.ts`): lower case, no punctuation, no accents, contractions in one
 * word. Add freely: a miss is a wrong call, a false hit one lead.
 */
export const stopVocabularyVersion = "2026-11-30";

/** Up to so many words of any kind in between. */
const gap = (words: number) => `(?: \\w+){0,${words}}`;
/** To call, in every form; `call you` is what the person offers to do. */
const calling =
  "(?:hear(?:ing)? from|(?:calls?|called|calling|callbacks?|robocalls?|ring(?:ing)?|rang|phone(?= (?:me|us|here|again|anymore|this|my|calls?)\\b)|phoned|phoning|dial(?:ed|ing)?|contact(?:s|ed|ing)?|bother(?:s|ed|ing)?|harass(?:ing|ment)?|pester(?:ing)?|disturb(?:ed|ing)?|spam(?:ming)?|solicit(?:ed|ing|ations?)?|telemarket\\w*)(?! you\\b))";
/** What may stand between "don't" and "call"; any other word begins another sentence ("I don't have time, call me later"). */
const between =
  "(?:you|ya|yall|u|ever|never|again|dare|be|get|keep|even|think|about|of|people|guys|folks|try|trying|to|go|start|continue|bother|just|please|want|wanna|have|anyone|anybody)";
const refusing =
  "(?:dont|doesnt|didnt|wont|wouldnt|do not|does not|did not|will not|would not|not|never|no longer|aint|cannot|cant|havent|have not)";

const english: readonly RegExp[] = [
  /\bstop\b/,
  /\b(?:this|that|it|these|those|calls?|them|be|get|is|are|want) (?:stopped|ended)\b/,
  /\bstopping (?:all |these |the |your )?call/,
  /^(?:(?:please|just|now|no|i said|you|can you) )*(?:quit|end|revoke|cancel|stops|enough|no more|no calls?)(?: (?:please|now|already))*$/,
  /\bcease\b|\bdesist\b/,
  new RegExp(`\\b(?:quit|end|halt|discontinue|terminate|suspend|cancel|refrain from|avoid|prohibit)${gap(3)} ${calling}\\b`),
  /\bquit (?:it|that|this|doing|now|already|please)\b/,
  /\b(?:knock|cut) (?:it|that|this) (?:off|out)\b/,
  // "Don't call me", "don't you ever call me again", "I told you not to call".
  new RegExp(
    `(?<!\\b(?:why|did|does|had|have|has) )\\b(?:dont|do not|never|not|aint|cant|cannot|shouldnt|should not|mustnt|must not|neednt)(?: ${between}){0,4} ${calling}\\b`,
  ),
  // "I don't want any more calls", "we never agreed to be contacted".
  new RegExp(
    `\\b${refusing}${gap(2)} (?:want|wants|wanted|wish|like|need|care|consent|consented|agree|agreed|authori[sz]ed?|permit|permitted|allow|allowed|appreciate|ask|asked|sign|signed|request|requested|interested|supposed|welcome)${gap(6)} ${calling}\\b`,
  ),
  new RegExp(
    `\\b(?:no right|no business|no permission|illegal|unlawful|unwanted|without my (?:consent|permission))(?: \\w+){0,3}`,
  ),
  /\b(?:do not|dont|didnt|did not|never|havent|have not) (?:\w+ )?(?:consent|consented|authori[sz]ed?)\b/,
  /\b(?:didnt|did not|never|dont|do not) (?:give|gave) (?:\w+ ){0,3}(?:consent|permission|my number)\b/,
  /\b(?:revoke|revoking|withdraw|withdrawing|cancel|rescind) (?:\w+ ){0,2}(?:consent|permission|subscription|authori[sz]ation)\b/,
  new RegExp(`\\bno (?:more|further|additional|other) (?:\\w+ ){0,2}${calling}`),
  new RegExp(`\\b(?:rather|prefer)${gap(3)} (?:not|didnt|dont|no)${gap(3)} ${calling}\\b`),
  new RegExp(`\\b(?:sick|tired|fed up|enough|had it|annoyed|too many|so many)${gap(4)} ${calling}\\b`),
  /\benough is enough\b/,
  /\bkeeps? (?:on )?(?:calling|ringing|phoning|bothering|harassing|contacting|pestering)\b/,
  // Off the list, in its many forms.
  /\b(?:remove|removed|delete|deleted|erase|scrub|purge|unlist|deregister|blacklist) (?:me|us|my|this|our|the|that|it|him|her|these)\b/,
  /\b(?:lose|forget|drop|scratch|strike|wipe|clear|destroy|discard|block|ditch|trash|cross out) (?:my|this|our|the|that) (?:\w+ ){0,2}(?:number|name|info|information|contact|details|data)\b/,
  /\b(?:take|takes|taken|taking|get|cross|strike|scratch|drop|kick|knock|keep|leave|cut|have) (?:me|us|my|our|this|that|the|his|her)(?: \w+){0,3} off\b/,
  /\btak(?:e|en|ing) (?:me|us|my|our)(?: \w+){0,3} (?:out|from)\b/,
  /\b(?:off|from|out|on) (?:of )?(?:your|the|this|that|any|all|every|a)(?: \w+){0,2} lists?\b(?! price)/,
  /\b(?:do not|dont|no) call (?:list|registry|register|database)\b|\bd ?n ?c\b/,
  /\bunsubscribed?\b|\bopt(?:ing|ed)? (?:me |us )?out\b/,
  // Away with you.
  /\b(?:leave|let) (?:me|us|him|her|my \w+)(?: the \w+)? (?:alone|be|in peace)\b/,
  /\bgo away\b|\bget lost\b|\bget out of here\b|\bhang up and\b|\b(?:fuck|piss|buzz|bugger|sod|eff|f) off\b|\bfuck you\b|\bgo to hell\b|\bscrew you\b/,
  /\bharass(?:ing|ment|ed)?\b|\bscam(?:mer|mers)?\b/,
  /\b(?:report|reporting|sue|suing) (?:you|this|yall|your)\b|\b(?:my|a) (?:lawyer|attorney)\b|\blawsuit\b|\b(?:fcc|ftc|tcpa|attorney general)\b/,
  /\bwrong (?:number|person)\b/,
];

/** Accents are gone: "no me llame más" is "no me llame mas". */
const spanish: readonly RegExp[] = [
  /\bno(?: (?:me|nos|le|les|lo|la|quiero|queremos|deseo|deseamos|necesito|que|vuelva|vuelvan|vuelvas|volver|a|siga|sigan|sigas|sigue|recibir|mas|sus|estas|esas|las|otra|otras|ninguna|deben|debe|deberian|deberia|tiene|tienen|permiso|de|para|estar|esten|este|por favor|ya|nunca)){0,6} (?:llam(?:e|en|es|ar|ada|adas|ando|eis)|llam(?:ar|e|en)(?:me|nos|le|lo)|contact(?:e|en|es|ar|arme|arnos|o)|molest(?:e|en|es|ar|arme|arnos|ando)|marqu(?:e|en|es)|marc(?:ar|arme)|telefone\w+)\b/,
  /\b(?:ya no|nunca|jamas)(?: (?:me|nos|vuelva|vuelvan|vuelvas|a|mas|quiero|que|recibir)){0,4} (?:llam(?:e|en|es|ar|adas?|arme|arnos)|contact\w+|molest\w+)\b/,
  /(?<!\b(?:palo|muy|mas|tan|es|esta|precio|costo|demasiado|bastante) )\balto\b(?! (?:precio|costo))/,
  /\bbasta\b|^(?:por favor )?(?:pare|paren|para|cese|deje|dejen|termine|detengase)(?: ya)?(?: por favor)?$|\b(?:pare|paren|cesen?|detengan?se?) (?:de|ya|con|las|esto)\b/,
  /\b(?:deje|dejen|deja|dejar|deje[ns]e) (?:ya )?de (?:\w+ ){0,2}(?:llam|molest|marc|contact|acos|insist)\w*/,
  /\b(?:deje(?:n)?me|dejame|dejenos|deje(?:n)? (?:me|nos))(?: \w+)? (?:en paz|tranquil[oa]s?|solo|sola)\b|\ben paz\b/,
  /\b(?:quite(?:n)?me|quitame|saque(?:n)?me|sacame|borre(?:n)?me|borrame|elimine(?:n)?me|eliminame|remueva(?:n)?me|tacheme)\b/,
  /\b(?:quiten?|saquen?|borren?|eliminen?|remuevan?|quitar|borrar|eliminar|sacar) (?:mi|me|nuestro|este|el) (?:\w+ ){0,2}(?:numero|nombre|telefono|lista|datos)\b/,
  /\b(?:de|en) (?:la|su|sus|esa|esta) listas? (?:\w+ )?(?:de )?(?:no|llamadas)\b|\bde su lista\b|\bde baja\b|\bno mas llamadas\b/,
  /\b(?:numero|persona) equivocad[oa]\b|\bdemandar(?:los|las|lo|la|le|les)?\b/,
];

export const stopPhrases: readonly RegExp[] = [...english, ...spanish];

/** A "stop" that asks for nothing. Taken out first, so that a plain "stop" beside it is still heard. */
export const harmlessStops =
  /\b(?:(?:bus|truck|rest|pit|next|last|first|one|non|short|full|door|subway|train) stops?(?: shop)?|stop (?:signs?|lights?|watch|over)|stop by(?= (?:the (?!way\b)|my|our|your|here|there|this|that|at|on|and|when|if|for|any ?time|some ?time|later|tomorrow|tonight|today|next|again|in|after|before)\b|$)|(?:cant|cannot|can not|wont|will not|doesnt|does not|didnt|did not|never) stop (?:laughing|smiling|raining|crying|coughing|working|talking|eating|thinking))\b/g;
