// The register of stories: `story("a sentence", async (visit, facts) => { … })`. pytest reads the sentences from the source
// (tests/site/stories.py), so that it can name what it must skip on a machine without Node.

const told = new Map();

export function story(sentence, play) {
  if (told.has(sentence)) throw new Error(`told twice: ${sentence}`);
  told.set(sentence, play);
}

export const sentences = () => [...told.keys()];

export function playOf(sentence) {
  const play = told.get(sentence);
  if (!play) throw new Error(`no such story: ${sentence}`);
  return play;
}
