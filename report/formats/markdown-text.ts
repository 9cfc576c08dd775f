// In: text from anywhere. Out: the same within Markdown, as GitHub shows it.
import { visibleLine } from '../../results/visible.ts';

/** Names in a stored run come from elsewhere: nothing of them may be read as markup, or break out of its line. */
export function markdownText(text: string): string {
  return (
    visibleLine(text)
      .replace(/\s+/g, ' ')
      .replace(/[\\`*_[\]|~$]/g, String.raw`\$&`)
      // GitHub makes links of bare addresses, and a heading or a list of what begins like one.
      .replace(/:(?=\/\/)|(?<=www)\.|(?<=^\d+)[.)](?=\s)|^[#+-](?=[\s#])/gi, String.raw`\$&`)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
  );
}
