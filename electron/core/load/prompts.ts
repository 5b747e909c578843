// Prompts of about so many tokens. Words that the vocabularies of today's models hold as one token each, with the space before them;
// a model of bytes sees more. What the engine counted comes back in usage.prompt_tokens and is what is reported.
import { seeded } from './random.ts'

const WORDS = (
  'time year people way day man thing woman life child world school state family student group country problem hand part place case week company system program question work ' +
  'government number night point home water room mother area money story fact month lot right study book eye job word business issue side kind head house friend father power hour ' +
  'game line end member law car city community name president team minute idea kid body back parent face level office door health person art war history party result change morning ' +
  'reason research girl guy moment air teacher force education foot boy age policy music market sense nation plan college interest death experience effect use class control field ' +
  'development role effort rate heart drug show leader light voice wife police mind price report decision son view relationship town road arm difference value building action model ' +
  'season society tax director position player record paper space ground form event official matter center couple site project activity star table need court oil situation cost ' +
  'industry figure street image phone data picture practice piece land product doctor wall patient worker news test movie north love support technology step baby computer type ' +
  'film tree source south environment performance board subject rock college blood media growth income trade deal bed energy stage goal'
).split(' ')

/**
 * Words drawn by the seed, from the first on: two prompts of different seeds share no beginning that a prefix cache could answer from
 * (it works in blocks of 16 tokens and more, and 16 words agree by chance once in 10³⁷).
 */
export function promptOf(tokens: number, seed: number): string {
  const random = seeded(seed)
  let text = WORDS[Math.floor(random() * WORDS.length)] ?? ''
  for (let at = 1; at < tokens; at++) text += ` ${WORDS[Math.floor(random() * WORDS.length)]}`
  return text
}
