/**
 * What asks for nothing though its words could, and what the person does or offers: taken out of what was said before
 * `stop-vocabulary.ts` is looked for, so that a plain "stop" beside it is still heard. A refusal of the offer or of the
 * moment alone is no stop (gates.md §3); whatever may be more than that is not here. Written narrowly: what is taken out
 * is not looked at again.
 */
const or = (...words: readonly string[]) => `(?:${words.join("|")})`;

const part = "(?: (?:morning|afternoon|evening|night))?";
const weekday = "(?:mon|tues|wednes|thurs|fri|satur|sun)days?";
/** "nine", "10 30 am", "noon". */
const clock =
  "(?:noon|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\\d{1,2})(?: (?:\\d{2}|thirty|fifteen|forty five))?(?: ?(?:am|pm|a m|p m|oclock)\\b)?(?: in the (?:morning|afternoon|evening)| at night)?)";
const shortly = "in (?:an?|one|two|three|four|five|six|a few|a couple(?: of)?|\\d{1,2}) (?:minutes?|hours?|days?|weeks?|months?)";
/** A moment that is refused. */
const thatMoment = or(
  "right now|now|today|tonight|so early|so late|this early|this late|at night|on weekends",
  `tomorrow${part}`,
  `(?:on |this |next )?${weekday}${part}`,
  "(?:this|next) (?:week|weekend|month|morning|afternoon|evening)",
  "in the (?:morning|afternoon|evening)",
  `(?:at|before|after|until|till) ${clock}`,
);
/** One that is named in its place. */
const anotherMoment = or(
  "later|sometime|some(?: other)? (?:day|time)|another (?:day|time)",
  `(?:on |early |late )?(?:this |next |the |in the |the following )?(?:today|tonight|tomorrow|${weekday}|morning|afternoon|evening|week|weekend|month)${part}`,
  `(?:at|after|around|before|by) ${clock}`,
  shortly,
);
const fill = (...words: readonly string[]) => `(?:(?: \\|)* ${or(...words)})*`;
const ring = "(?:call|ring|phone|contact|try)";
const invitation = `${fill("but|and|so|just|please|instead|rather|okay|ok|then|maybe|only|you can|you could|if you can")}(?: \\|)* ${ring}(?: (?:me|us|back|again))* ${anotherMoment}\\b`;
const refusedMoment = `(?:dont|do not) (?:please )?(?:call|ring|phone|contact|text)(?: (?:me|us|back))* ${thatMoment}(?: (?:or|and) ${thatMoment})?`;
const unrefused = "(?<!\\b(?:dont|do not|not|never|nor|or|to|you|ever) )";
/** Beside words that ask to be taken off, a question about the number may be a part of that. */
const removal =
  "\\b(?:off|out|gone|lists?|take|remov\\w+|delet\\w+|eras\\w+|scrub|lose|forget|block|rid|never|stop|quit|end|private|permission|consent)\\b";
const kin =
  "(?:husband|wife|spouse|partner|fianc\\w+|father|mother|dad|mom|mum|brother|sister|son|daughter|uncle|aunt|grand\\w+|friend|neighbor|boss)";
/** "But I am interested": never with a "not" in between. */
const stillWilling = or(
  `${fill("but|and|so")}(?: \\|)* (?:im|i am|we are|were)(?: (?:still|very|also|really|quite))* (?:interested|looking for|in the market)\\b(?! in (?:being|not|having you|you)\\b)`,
  `${fill("but|and|so")}(?: \\|)*(?: (?:can|could|would) you)?(?: (?:please|just|maybe))* ${ring} (?:me|us)(?: (?:back|again))* ${anotherMoment}\\b`,
);
/** "… but go ahead". */
const butGoOn =
  "(?=(?: \\|)* but (?:go on|go ahead|okay|ok|sure|fine|its fine|thats fine|im listening|i am listening|im interested)\\b)";
const building =
  "(?:roofs?|shingles?|panels?|trees?|stumps?|carpets?|windows?|doors?|siding|gutters?|snow|walls?|deck|fence|pool|furnace|lien)";

export const harmless: readonly RegExp[] = [
  // Another moment: "don't call me tomorrow, call me Wednesday", either way around, or with the hour from which it is right.
  new RegExp(`\\b${refusedMoment}${invitation}`, "g"),
  new RegExp(
    `${unrefused}\\b${ring}(?: (?:me|us|back|again))* ${anotherMoment}${fill("and|but|just|please")}(?: \\|)* ${refusedMoment}(?= \\||$)`,
    "g",
  ),
  new RegExp(
    `\\b(?:(?:dont|do not) call(?: (?:me|us|back))*|no calls) (?:before|after|until|till) ${clock}(?= please\\b| \\||$)`,
    "g",
  ),
  /\b(?:dont|do not) call(?: (?:me|us))? (?:right now|now)(?=(?: \|)* (?:im|i am|were|we are|its|it is) (?:driving|busy|working|at work|in a meeting|eating|at dinner|having dinner|on the other line|late|not a good time)\b)/g,
  /\b(?:dont|do not) text(?: (?:me|us))?(?: \|)* (?:but |just |please )*call (?:me|us)\b/g,
  /\b(?:dont|do not) call me (?:sir|maam|madam|mister|(?:mr|mrs|ms)(?: \|)? \w+|miss|honey|sweetie|dear|buddy|dude|bro|that(?= ?\||$))/g,
  // A complaint that nobody called, which asks for a call if for anything; "I wish you had never called me back" does not.
  /(?<!\b(?:wish|if|told|tell|asked|ask|said|say|that|rather|prefer|hope|hoped|warned|think|want|wanted|glad|happy|happier|better|nice) )\b(?:you|they|he|she|somebody|someone|yall|you (?:guys|people|all))(?: just| still| have| had)? never (?:actually |even |ever |really )?(?:called|phoned|rang|contacted|messaged|texted|reached out)(?: (?:me|us|him|her))? back\b(?!(?: \|)*(?: (?:so|and|please|now|just))* (?:dont|do not|never|no)\b)/g,
  // A question about the number that demands nothing. "Who gave you my number" and "I never gave it" are heard.
  new RegExp(
    `(?<!${removal}.{0,200})\\b(?:how|where)(?: (?:did|do|d|have)|d)? (?:you|yall|ya|u|they)(?: (?:guys|people|all|even|just))* (?:get|got|find|found)(?: hold of)? (?:my|this|our) (?:(?:cell|phone|mobile|home|contact) )*(?:number|info|information|name|details)\\b(?!.{0,200}(?:${removal}|\\b(?:dont|do not)\\b))`,
    "g",
  ),
  // A death in the family of who is interested all the same, or asks to be called at another time. Of anyone else who died
  // the number was, and is no more: a wrong number.
  new RegExp(
    `\\b(?:my|our) ${kin}(?: (?:has|just|recently|had))* (?:passed(?: away| on)?|died|is dead|is deceased)\\b(?=(?: (?!not\\b|never\\b|dont\\b)\\w+){0,4}${stillWilling})`,
    "g",
  ),
  new RegExp(`\\b(?:i|we) hate (?:\\w+ )?calls${butGoOn}`, "g"),
  new RegExp(
    `\\b(?:i |we )?(?:didnt|did not|dont remember) (?:ask|request|asking|requesting)(?: for)? (?:a|any|this|the) call${butGoOn}`,
    "g",
  ),
  /\b(?<!\bwhat )is (?:this|it|that) (?:a |another |like a |some (?:kind|sort|type) of )?scam\b|\bhow do i know (?:this|that|it) ?(?:is not|s not|isnt) an? scam\b|\b(?:this|it|that) (?:isnt|is not) an? scam is it\b/g,
  // Words of another matter: the house, a bill, an errand.
  new RegExp(
    `\\b(?:remove|remov(?:ed|ing)|delete) (?:the|that|this|those|these|our|my) (?:(?:old|existing|current|other|broken|dead) )?${building}\\b(?! (?:and|or)\\b)`,
    "g",
  ),
  /\b(?:take|get|cut|knock|keep|have|taken|taking|takes|drop) (?:this|that|it|them|the \w+)(?: all)? off (?:of )?(?:my|the|our) (?:bill|price|total|roof|stove|heat|road|ground|balance|mortgage|loan|wall|table|oven)\b(?! (?:and|or)\b)/g,
  /\b(?:i|we) want out of (?:this|the|my|our) (?:house|home|lease|contract|loan|mortgage|timeshare|apartment)\b(?! (?:and|or)\b)/g,
  /(?<!\b(?:dont|not|never) )\b(?:put|add|im|i am|were|we are|get) (?:me |us )?on (?:the|your|a) (?:waiting|wait|guest|shopping) list\b|\bon (?:the|my|our) (?:list of things|to do list)\b/g,
  /\b(?:i|we) (?:have no|dont have(?: any)?|do not have(?: any)?) permission from (?:my|the|our) (?:landlord|landlady|owner|hoa|city|county|board)\b|\b(?:i|we) (?:dont|do not) have (?:the )?permission to (?:make|sign|decide|install|change|agree)\b/g,
  /\b(?:dont|do not|didnt|did not|never) (?:consent to|authori[sz]e) (?:a|any|the) (?:credit|background|hard|soft) (?:check|pull|inquiry)\b/g,
  /\billegal to (?:put|build|install|park|burn|mount)\b|\b(?:hoa|county|city|building|parking|traffic) (?:\w+ )?violations?\b|\bviolations? (?:on|from) (?:my|the|our) (?:roof|house|home|property|yard|car|hoa|county|city|landlord)\b/g,
  /\breport (?:this|it) to my (?:wife|husband|boss|manager|partner|family)\b/g,
  /\bgo(?:ing)? away for (?:the|a) (?:weekend|week|month|holidays?|summer|winter|few|couple)\b|\bget lost (?:on|in|coming|driving|trying)\b/g,
  /\b(?:i|we) (?:always |often |never |keep )*(?:lose|forget) my (?:\w+ )?(?:phone|number|name)\b/g,
  /\b(?:never|didnt|did not) (?:give|gave) you (?:a|an|any) (?:answer|chance|reason|date|time|price|response|reply)\b/g,
  /\b(?:ill|i will|let me|im going to|i am going to|i can|we can) hang up and (?:call|try|dial)\b|(?<!\byou )\b(?:you can|just|please) keep calling (?:until|till|and|me|us)\b/g,
  /\bwrong house number(?=(?: \|)* (?:ours|mine|its|it is|were at|im at|we are at))|\bwrong name(?=(?: \|)* but (?:yes|yeah|its me|it is me|thats me))/g,
  /\b(?:doesnt|does not|dont|do not) (?:live|work|stay) here (?:on (?:the )?(?:weekends?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)|full time|all year|year round|every day|all the time|in the (?:winter|summer))\b/g,
  /\bit stopped (?:raining|snowing|leaking|working)\b|\b(?:havent|have not|didnt|did not) sign(?:ed)? up yet\b/g,
  // The same in Spanish.
  /\bno (?:me |nos )?llam(?:e|en|es) (?:hoy|manana|ahora|esta (?:noche|tarde|semana)|el (?:lunes|martes|miercoles|jueves|viernes|sabado|domingo))(?:(?: \|)* (?:mejor|por favor|sino|pero))*(?: \|)* llam(?:e|en|a)(?:me|nos)? (?:manana|luego|mas tarde|despues|el (?:lunes|martes|miercoles|jueves|viernes|sabado|domingo)|la (?:proxima|otra) semana|a las \w+|en la (?:manana|tarde|noche))\b/g,
  /\b(?:mi|nuestr[oa]) (?:espos[oa]|marido|mujer|padre|madre|papa|mama|herman[oa]|hij[oa]|abuel[oa]|tio|tia) (?:ya )?(?:fallecio|murio)(?=(?: (?!no\b)\w+){0,6}(?: \|)*(?: pero)? (?:si |todavia |aun )*(?:me interesa|nos interesa|estoy interesad[oa]|llam(?:e|en)(?:me|nos) (?:manana|luego|mas tarde|despues)))/g,
  // Stops by the road, calls that the person makes, halves of answers. Last: what is above is about calls, too.
  /\b(?:(?:bus|truck|rest|pit|next|last|first|one|non|short|full|door|subway|train) stops?(?: shop)?|stop (?:signs?|lights?|watch|over)|(?<!\bcalls? (?:to |must |should |need to |have to |has to )?)stop by(?= (?:the (?!way\b)|my|our|your|here|there|this|that|at|on|and|when|if|for|any ?time|some ?time|later|tomorrow|tonight|today|next|again|in|after|before)\b|$)|(?:cant|cannot|can not|wont|will not|doesnt|does not|didnt|did not|never) stop (?:laughing|smiling|raining|crying|coughing|working|talking|eating|thinking))\b/g,
  /\b(?:dont|do not|never|not) (?:forget|lose|hesitate|worry|hang up)\b|\b(?:dont|do not|wouldnt|would not|if you) mind\b/g,
  /\b(?:at|by|in|until|till|near|toward|towards) (?:the )?(?:very )?end\b|\bthe end of\b|\bend(?:s|ed)? up\b|\bdrop (?:me|us) an? (?:call|line|text|note|message)\b/g,
  /\b(?:i|we|he|she|they|just|ive) quit(?: my| the| his| her)? (?:smoking|drinking|job|work|working|school|gym)\b/g,
  // "I can't. Call me later": the first half is an answer, the second an invitation.
  /\b(?:i|im|we|it is|its|it was)(?: (?:am|do|did|have|can|could|will|would|was|are))? (?:not|cant|cannot|dont|didnt|wont|havent|couldnt|wouldnt|never)(?: even| really| please)?(?: \|)* call(?:ed)?\b/g,
  /\b(?:(?:i|we)(?: (?:can|do))? (?:not|cant|cannot|dont)|cant|cannot) (?:take|get|make|answer|receive|have)(?: any)?(?: phone)? (?:calls?|texts?)(?= (?:at|in|on|during|while|when|before|after|until|till|now|right|here)\b)/g,
  /\bno \|(?= llam\w+)/g,
  /\bwant(?:ed)? to miss (?:your|the|this|a|any|his|her) calls?\b/g,
  /(?<!\b(?:de|desde) )\b(?:ahora|hoy) no(?: \|)*(?= llam\w+ (?:manana|luego|mas tarde|despues|el|en|a|otro)\b)/g,
  /\blet (?:me|us) be(?= (?:honest|sure|clear|frank|straight|careful)\b)|\b(?:i|we) keep calling\b/g,
  /\b(?:(?:can|could|will|would) (?:you|yall|someone|somebody)|(?<!\b(?:that|said|say|agreed?|think|believe|told|wish|want|mean|means) )you (?:can|may)) (?:please |just |maybe |always )*(?:call|ring|phone|text|contact|reach|follow up)\b/g,
];
