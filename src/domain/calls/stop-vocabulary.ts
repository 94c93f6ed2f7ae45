/**
 * Words with which a person may ask for calls to end (47 CFR 64.1200(a)(10): any reasonable means; gates.md §3: doubt
 * counts as a stop). A refusal and what it is about: calls, a number, someone's data, a list, in either order; and the words
 * that say so alone. Matched on plain words (`find-stop.ts`): lower case, no punctuation, no accents, contractions in one
 * word. Add freely: a miss is a wrong call, a false hit one lead. What asks for nothing though its words could is
 * `harmless-phrases.ts`.
 */
export const stopVocabularyVersion = "2026-11-30.4";

/** Up to so many words of any kind in between. */
const gap = (words: number) => `(?: \\w+){0,${words}}`;

/** To call, in every form; `call you` is what the person offers to do. */
const calling =
  "(?:hear(?:ing)? from|(?:calls?|called|calling|callbacks?|callers?|robocalls?|ring(?:ing)?|rang|phone(?= (?:me|us|here|again|anymore|this|my|calls?)\\b)|phoned|phoning|dial(?:ed|ing)?|contact(?:s|ed|ing)?|text(?:ed|ing)?(?= (?:me|us|or|nor|this|my|again|anymore|messages)\\b)|texts|messag(?:e|es|ing)(?= (?:me|us|this|my|again|anymore)\\b)|reach(?:ing)?(?= (?:out|me|us|my)\\b)|follow(?:ing)? up|bother(?:s|ed|ing)?|bug(?:s|ged|ging)?(?= (?:me|us|him|her|my|people|again|anymore)\\b)|harass(?:ing|ment)?|pester(?:ing)?|disturb(?:ed|ing)?|spam(?:ming)?|(?:un)?solicit(?:ed|ing|ations?|ors?)?|telemarket\\w*)(?! you\\b))";
/** A bare verb, as after "to"; alone it begins a sentence. */
const toCall = "(?:call|contact|ring|dial|phone|text|message|reach|follow up|bother|solicit)";
/** As what one wants or does not: "call me" behind "I don't want it" begins another sentence. */
const beingCalled = `(?:(?:to|you|yall|people|guys|anyone|anybody|someone|they)(?: (?:can|could|may|might|should))? ${toCall}\\b(?! you\\b)|(?:a|any|another|further|more|your|this|that|the|phone|sales|of) (?:call|contact)\\b|(?!${toCall}\\b)${calling})`;
/** What may stand between "don't" and "call"; any other word begins another sentence ("I don't have time, call me later"). */
const between =
  "(?:you|ya|yall|u|ever|never|again|dare|be|get|keep|even|think|about|of|people|guys|folks|try|trying|to|go|start|continue|bother|just|please|want|wanna|have|anyone|anybody|attempt|attempting)";
const refusing =
  "(?:dont|doesnt|didnt|wont|wouldnt|do not|does not|did not|will not|would not|not|never|no longer|aint|cannot|cant|havent|have not)";
/** A refusal to someone else: "I don't use my number much" is what the person does. */
const forbidding =
  "(?<!\\b(?:i|we|they|would|will|id|ill) )\\b(?:dont|do not|never|cant|cannot|can not|may not|shouldnt|should not|mustnt|must not|not to)";
/** What is theirs. */
const data = "(?:numbers?|phone|cell|name|info|information|data|details|contact|records?)";
/** Where it is kept. */
const kept = "(?:lists?|databases?|data base|systems?|records?|files?|registr(?:y|ies)|books?|computers?|crm)";

const english: readonly RegExp[] = [
  /\bstop\b|\bs t o p\b|\bsto{3,}p+\b|\bsta+h*p+\b/,
  /\b(?:this|that|it|these|those|calls?|them|be|get|is|are|want) (?:stopped|ended)\b/,
  /\bstopping (?:all |these |the |your )?call/,
  /^(?:(?:please|just|now|no|i said|you|can you) )*(?:quit|end|end (?:this|it|these)|revoke|cancel|stops|remove|delete|exclude|enough|no more|never again|no calls?|hang up)(?: (?:please|now|already))*$/,
  /\bcease\b|\bdesist\b/,
  // An end to calls, in either order.
  new RegExp(
    `\\b(?:quit|end|halt|discontinue|terminate|suspend|cancel|refrain from|avoid|prohibit|forbid|refuse|refusing|reject|hate|despise|detest|done with|through with|object to)${gap(3)} ${calling}\\b`,
  ),
  new RegExp(`\\b(?:calls|calling|robocalls|texts|messages)${gap(5)} (?:end|ended|ending|quit|finish|finished|cease)\\b`),
  /\bquit (?:it|that|this|doing|now|already|please)\b|\b(?:need|needs|have|got|gotta|better|should|must|guys|people) (?:to )?(?:just )?quit\b/,
  /\b(?:knock|cut) (?:it|that|this) (?:off|out)\b/,
  // "Don't call me", "don't you ever call me again", "I told you not to call".
  new RegExp(
    `(?<!\\b(?:why|did|does|had|have|has) )\\b(?:dont|do not|never|not|aint|cant|cannot|shouldnt|should not|mustnt|must not|neednt)(?: ${between}){0,4} (?:${calling}\\b|phone$)`,
  ),
  new RegExp(
    `${forbidding}(?: (?:ever|even|please|you|bother))? (?:try(?:ing)?(?: (?:me|us|this|here|it|that|my))?${gap(1)}|do (?:this|that|it)(?: to \\w+)?) (?:again|anymore|any more|back)\\b`,
  ),
  /\b(?:never|dont|do not|wont|will not|no longer)(?: \w+){0,3} (?:speak|speaking|talk|talking|deal|dealing) (?:to|with) (?:you|yall|anyone|any of)\b(?! (?:now|right|at|today|tonight|this|until|till|about))/,
  // "I don't want any more calls", "we never agreed to be contacted", "I'd appreciate it if you didn't call".
  new RegExp(
    `\\b${refusing}${gap(2)} (?:want|wants|wanted|wish|like|need|care|consent|consented|agree|agreed|authori[sz]ed?|permit|permitted|allow|allowed|appreciate|ask|asked|sign|signed|request|requested|interested|supposed|welcome)${gap(6)} ${beingCalled}\\b`,
  ),
  new RegExp(
    `\\b${refusing} (?:said|say|think|believe|mean|means|tell|told)${gap(2)} you (?:can|could|may|might|should) ${toCall}\\b`,
  ),
  new RegExp(
    `\\b${refusing}${gap(1)} (?:accept|accepting|take|taking|tolerate|respond to|for)${gap(3)} (?:calls|callers|robocalls?|(?:un)?solicit\\w*|telemarket\\w*)\\b`,
  ),
  new RegExp(
    `\\b(?:appreciate|prefer|rather|grateful|thankful|happier|nice|great|better|best|like)${gap(4)} (?:you|yall|they|people)${gap(2)} (?:not|never|didnt|did not|wouldnt|would not|dont|do not)${gap(2)} (?:${calling}\\b|phone$)`,
  ),
  new RegExp(
    `\\b(?:no right|no business|no permission|illegal|unlawful|unwanted|without my (?:consent|permission))(?: \\w+){0,3}`,
  ),
  /\b(?:do not|dont|didnt|did not|never|havent|have not) (?:\w+ )?(?:consent|consented|authori[sz]ed?)\b/,
  /\b(?:do not|dont|didnt|did not|never|no longer)(?: \w+){0,2} (?:give|gave|have|had|got) (?:\w+ ){0,3}(?:consent|permission|authori[sz]ation)\b/,
  /\b(?:didnt|did not|never)(?: \w+)? (?:give|gave) (?:(?:\w+ ){0,3}my number|it|you)\b/,
  /\b(?:didnt|did not|never|havent|have not|dont remember|do not remember|dont recall) (?:sign(?:ed|ing)?|opt(?:ed|ing)?) (?:up|in)\b/,
  /\b(?:how|who|where)(?: \w+){0,4} (?:gave|get|got|have|find|found)(?: \w+){0,2} (?:my|this|our) (?:\w+ )?(?:number|info|information)\b/,
  /\b(?:revoke|revoking|withdraw|withdrawing|cancel|rescind) (?:\w+ ){0,2}(?:consent|permission|subscription|authori[sz]ation)\b/,
  new RegExp(`\\bno (?:more|further|additional|other) (?:\\w+ ){0,2}${calling}`),
  /\bno (?:\w+ ){0,1}(?:calls|callers|robocalls?|solicit\w*|telemarket\w*|texts|follow ups?|calling(?! (?:is|was|works|would))|contact(?! (?:me|us|him|her|my|info\w*|numbers?|details|with)\b))\b/,
  new RegExp(`\\b(?:rather|prefer)${gap(3)} (?:not|didnt|dont|no)${gap(3)} ${calling}\\b`),
  new RegExp(
    `\\b(?:(?:sick|tired|annoyed)(?: \\w+)? (?:of|with|by|that|at)|fed up|enough|had it|too many|so many)${gap(4)} ${calling}\\b`,
  ),
  /\bpermission to (?:call|contact|text|phone|ring)\b|\bno ?(?:body|one) (?:should|may|can|is to) (?:\w+ )?(?:call|contact|phone|text)\b|\bno need to call\b/,
  /\bget rid of (?:my|our|this) (?:\w+ )?(?:number|name|info\w*|data)\b|\b(?:dont|do not) want to be (?:in|on) (?:your|any|the)\b|\b(?:dont|do not|stop) leav\w+ (?:me |us )?(?:any )?(?:more )?(?:voice ?mails?|messages?)\b/,
  /\benough is enough\b/,
  /\bkeeps? (?:on )?(?:calling|ringing|phoning|bothering|bugging|harassing|contacting|pestering|texting)\b/,
  // Their number and data, and the lists that they are on.
  /\b(?:remove|removed|delete|deleted|erase|scrub|purge|unlist|deregister|blacklist|exclude) (?:me|us|my|this|our|the|that|it|him|her|these)\b/,
  new RegExp(`\\b(?:remov|delet|eras|scrub|purg)(?:e|es|ed|ing)?${gap(4)} ${data}\\b`),
  new RegExp(
    `\\b(?:numbers?|name|info|information|data|details|me|us|(?:i|we)${gap(4)} be)${gap(4)} (?:removed|deleted|erased|scrubbed|purged|unlisted|excluded|taken (?:off|out|down))\\b`,
  ),
  new RegExp(
    `\\b(?:lose|forget|drop|scratch|strike|wipe|clear|destroy|discard|block|ditch|trash|bin|scrap|cross out) (?:all )?(?:my|this|our|the|that)${gap(2)} ${data}\\b`,
  ),
  new RegExp(
    `(?<!\\b(?:let me|ill) )\\b(?:take|takes|taken|taking|get|clear|wipe|drop|strike|pull|leave|keep|cut|cross|have)(?: \\w+){1,4} (?:out of|from|off|off of) (?:your|the|this|that|any|all|every)${gap(2)} ${kept}\\b`,
  ),
  new RegExp(
    `${forbidding}${gap(1)} (?:use|using|keep|keeping|store|storing|save|saving|share|sharing|sell|selling|hold)${gap(2)} ${data}\\b`,
  ),
  /\b(?:take|takes|taken|taking|get|cross|strike|scratch|drop|kick|knock|keep|leave|cut|have) (?:me|us|my|our|this|that|the|his|her)(?: \w+){0,3} off\b/,
  /\btak(?:e|en|ing) (?:me|us|my|our)(?: \w+){0,3} (?:out|from)\b|\b(?:i|we) want (?:off|out)\b(?! of (?:my|our)\b)/,
  /\b(?:off|from|out|on) (?:of )?(?:your|the|this|that|any|all|every|a)(?: \w+){0,2} lists?\b(?! price)/,
  /\b(?:do not|dont|no) call (?:list|registry|register|database)\b|\bd ?n ?c\b|(?<!\b(?:gift|wedding|baby|bridal) )\bregistr(?:y|ies)\b/,
  /\bunsubscribed?\b|\bopt(?:ing|ed)? ?(?:me |us )?out\b|\b(?:gdpr|ccpa)\b/,
  /\b(?:number|line|phone)(?: is|s)?(?: \w+)? (?:private|unlisted)\b/,
  // Away with you.
  /\b(?:leave|let) (?:me|us|him|her|my \w+)(?: the \w+)? (?:alone|be|in peace)\b/,
  /\bgo away\b|\bget lost\b|\bget out of here\b|\bget off (?:my|this|the) (?:phone|line)\b|\bhang up and\b|\b(?:fuck|piss|buzz|bugger|sod|eff|f) off\b|\bfuck you\b|\bgo to hell\b|\bscrew you\b/,
  /\bharass(?:ing|ment|ed)?\b|\bscam(?:mer|mers)?\b/,
  /\b(?:report|reporting|sue|suing) (?:you|this|yall|your)\b|\b(?:ill|i will|we will|gonna|going to|want to|have to) sue\b|\b(?:my|a) (?:lawyer|attorney)\b|\blawsuit\b|\b(?:fcc|ftc|tcpa|attorney general)\b|\bviolat\w+\b/,
  // Not whom you want (gates.md §3 takes a wrong number for a stop).
  /\bwrong (?:\w+ )?(?:number|person|guy|man|woman|lady|gal|girl|fellow|dude|house|household|home|family|party|phone|place|one|people|name)\b|\byou\w*(?: \w+){0,3} the wrong\b(?! (?:idea|impression|way|time))/,
  /\bby (?:that|this) name\b|\b(?:nobody|no one|no person|noone)(?: \w+)? (?:named|called)\b(?! (?:me|us|you|back|about)\b| ?\||$)/,
  /\bthere(?:s no|s not any| is no| is not any| isnt any| isnt a| aint no| aint any) (?!(?:problem|problems|one|need|room|roof|rush|hurry|reason|way|time|point|solar|pool|power|water|gas|internet|service|signal|reception|money|garage|yard|insurance|mortgage|interest|questions?|number|pets?|dogs?|kids?|children|damage|lot|good|parking|smoking|basement|attic|chimney|heat|heating|electricity|wifi|roof|driveway|hoa|mortgage)\b)\w+(?: \w+)? (?:here|at this (?:number|address|house))\b/,
  /(?<!\b(?:i|we) )\b(?:doesnt|does not|dont|do not|no longer|never|not) (?:lives?|living|works?|working|stays?) (?:here|at this)\b/,
  /\b(?:not|isnt|aint|no longer) (?!the |a |your )\w+ (?:number|phone)\b|\bnew owner of this\b|\b(?:just|only|recently) (?:got|bought) this (?:number|phone)\b/,
  /\bpassed (?:away|on)\b|\bdeceased\b|(?<!\b(?:phone|battery|car|dog|cat|pet|line|call) )\bdied\b|\b(?:he|she|hes|shes|husband|wife|father|mother|dad|mom|brother|sister|son|daughter)(?: is| has| just| was)? dead\b|\bno longer (?:with us|alive|living)\b/,
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
  // Messages, their number and data, and who is not there.
  /\bno(?: (?:me|nos|le|les|vuelva[ns]?|volver|a|mas|siga[ns]?|quiero que|sigue))+ (?:escrib\w+|texte\w+|insist\w+|busqu\w+|(?:mand|envi)\w+ (?:mas |otr[ao]s? )?(?:mensajes?|textos?))\b/,
  /\bno (?:use[ns]?|usar|guarde[ns]?|tenga[ns]?|comparta[ns]?|venda[ns]?) (?:mi|mis|este|nuestro) (?:numero|telefono|datos|informacion|nombre)\b/,
  /\b(?:quiten?|saquen?|borren?|eliminen?|remuevan?|quitar|borrar|eliminar|sacar)(?: \w+){0,4} (?:informacion|datos|numero|telefono|sistema|base|lista|registros?)\b/,
  /\bregistro (?:nacional|de no)\b|\b(?:cancelen?|terminen?|acaben?|suspendan?) (?:con )?(?:las|sus|estas|todas)(?: \w+){0,2} llamadas\b/,
  /\b(?:retiro|revoco|cancelo|quito) (?:mi|el) (?:consentimiento|permiso|autorizacion)\b|\bno (?:les? )?(?:doy|di|autorizo|autorice|tienen?)(?: \w+){0,2} (?:permiso|consentimiento|autorizacion)\b|\bno autorizo\b/,
  /\b(?:no quiero|nunca|jamas)(?: \w+){0,4} (?:con|de) ustedes\b/,
  /\bse equivoc\w+ de (?:numero|persona|casa|telefono)\b|\b(?:aqui no (?:vive|trabaja)|no (?:vive|trabaja)(?: mas)? aqui|no hay (?:ningun[ao]?|nadie)(?: \w+){0,3} aqui)\b/,
  /\bno (?:quiero|deseo|quisiera) ser (?:contactad|llamad|molestad)[oa]\b|\bque no (?:me|nos) llam\w+|\bhart[oa]s? de(?: \w+){0,3} llamadas?\b|\bno (?:me|nos) habl\w+ mas\b|\bno acepto(?: \w+){0,2} llamadas\b|\bya no es su numero\b/,
  /\bfallecio\b|\bmurio\b|\bdifunt[oa]\b|\besta muert[oa]\b/,
];

export const stopPhrases: readonly RegExp[] = [...english, ...spanish];
