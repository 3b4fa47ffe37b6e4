/**
 * The fewest characters of a password that people choose: with any fewer, all lower-case words of that length can be tried
 * in the life of a camera, at the pace at which it lets strangers guess.
 */
export const MIN_PASSWORD_CHARACTERS = 8
const MIN_DIFFERENT_CHARACTERS = 4
/** Characters that have to be left when the user's name is taken out. */
const MIN_BESIDE_USERNAME = 5

/** What common passwords are made of, once digits and signs at either end are gone and look-alikes are letters again. */
const commonWords = [
  'password', 'passwort', 'passwd', 'passphrase', 'secret', 'changeme', 'changeit', 'default', 'letmein', 'welcome', 'admin', 'administrator',
  'root', 'user', 'guest', 'login', 'master', 'hello', 'test', 'testing', 'camera', 'ipcamera', 'webcam', 'security', 'lenskey', 'iloveyou',
  'sunshine', 'princess', 'dragon', 'monkey', 'shadow', 'superman', 'batman', 'football', 'baseball', 'starwars', 'trustno', 'whatever',
  'computer', 'internet', 'samsung', 'michael', 'jordan', 'abc', 'qwerty', 'qwertz', 'azerty', 'asdf', 'zxcv', 'qazwsx',
]

const rows = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'qwertzuiop', 'azertyuiop', 'asdfghjkl', 'zxcvbnm', 'yxcvbnm', '1qaz2wsx3edc4rfv']

const lookAlikes: Readonly<Record<string, string>> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's', '!': 'i' }

/**
 * Why a password should not be set, as a sentence for the person who chose it; undefined when it will do. For passwords
 * that people choose: those that are in a state already go on working.
 * @param username - of the user it is for; empty for the open-pairing password
 */
export function passwordWeakness(password: string, username = ''): string | undefined {
  const lower = password.toLowerCase()
  if (Array.from(password).length < MIN_PASSWORD_CHARACTERS) return `The password has fewer than ${MIN_PASSWORD_CHARACTERS} characters.`
  if (new Set(lower).size < MIN_DIFFERENT_CHARACTERS) return `The password has fewer than ${MIN_DIFFERENT_CHARACTERS} different characters.`
  if (username.length > 2 && lower.includes(username) && lower.split(username).join('').length < MIN_BESIDE_USERNAME) {
    return 'The password is little more than the name of the user.'
  }
  if (isWalk(lower)) return 'The password is a row of neighbours on the keyboard or in the alphabet.'
  if (isCommon(lower)) return 'The password is a common word with digits or signs around it.'
  return undefined
}

/** Whether all of it runs along rows, forwards or backwards, in pieces of at least three: `qwerty123`, `abcdcba1234`. */
function isWalk(lower: string): boolean {
  let at = 0
  while (at < lower.length) {
    const length = longestRun(lower, at)
    if (length < 3) return false
    at += length
  }
  return true
}

function longestRun(text: string, at: number): number {
  let longest = 0
  for (const row of rows) {
    const start = row.indexOf(text[at])
    if (start < 0) continue
    for (const step of [1, -1]) {
      let length = 1
      while (at + length < text.length && row[start + step * length] === text[at + length]) length++
      longest = Math.max(longest, length)
    }
  }
  return longest
}

function isCommon(lower: string): boolean {
  // Digits at the ends are decoration before they are look-alikes: `passw0rd1` is `passw0rd`, then `password`.
  const core = lower.replace(/^[^a-z]+/, '').replace(/[^a-z]+$/, '')
  const word = Array.from(core, (character) => lookAlikes[character] ?? character).join('').replace(/[^a-z]/g, '')
  if (word === '') return false
  return commonWords.some((common) => word === common || word === common + common)
}
