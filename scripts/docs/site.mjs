// The documentation as static pages: Markdown to HTML, links to pages, and to the files of the checkout that they name. Needs no script
// in the browser, and nothing from elsewhere.

import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import GithubSlugger from 'github-slugger';
import { Marked } from 'marked';
import { root } from '../setup/paths.mjs';
import { addressOf, contents } from './contents.mjs';

/** Writes the site into a folder. Throws where a link leads nowhere. */
export function writeSite(folder) {
  const groups = contents();
  const files = new Set();
  // Grows by the pages that those before link to.
  const pages = new Set(groups.flatMap(([, paths]) => paths));
  const write = (path, html) => {
    const target = `${folder}/${addressOf(path)}`;
    if (existsSync(target)) {
      throw new Error(
        `Cannot build the documentation: ${path} and another page are both ${target}`,
      );
    }
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, html);
  };
  for (const path of pages) {
    const { html, sections } = render(path, { files, pages });
    write(path, layOut({ path, title: titleOf(path), html, sections, groups }));
  }
  for (const path of files) {
    const code = `<pre><code>${escaped(read(path))}</code></pre>`;
    const html = `<h1>${escaped(path)}</h1>\n${code}`;
    write(path, layOut({ path, title: path, html, sections: [], groups }));
  }
  cpSync(`${root}/docs/pictures`, `${folder}/pictures`, { recursive: true });
  cpSync(`${root}/scripts/docs/site.css`, `${folder}/site.css`);
}

function read(path) {
  return readFileSync(`${root}/${path}`, 'utf8');
}

function titleOf(path) {
  // What the README is called on the page, where it is the first page of many.
  return path === 'README.md'
    ? 'Overview'
    : (/^# (.*)$/m.exec(read(path))?.[1].replaceAll('`', '') ?? path);
}

/** Returns the HTML of a page, and its sections `{ id, text }`; what it links to is added to `linked`. */
function render(path, linked) {
  const slugger = new GithubSlugger();
  const sections = [];
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens);
        const text = this.parser.parseInline(tokens, this.parser.textRenderer);
        const id = slugger.slug(text);
        if (depth === 2) {
          sections.push({ id, html: html.replace(/<\/?a[^>]*>/g, '') });
        }
        const link =
          depth > 1 ? ` <a class="anchor" href="#${id}" aria-label="This section">#</a>` : '';
        return `<h${depth} id="${id}">${html}${link}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const target = linkFrom(path, href, linked);
        return `<a href="${escaped(target)}">${this.parser.parseInline(tokens)}</a>`;
      },
      image({ href, text }) {
        return `<img src="${escaped(linkFrom(path, href, linked))}" alt="${escaped(text)}">`;
      },
      // Comments are for the tests; there is no other HTML in pages.
      html: () => '',
      table(token) {
        const row = (cells, tag) =>
          `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('')}</tr>`;
        const head = token.header.some((cell) => cell.text !== '')
          ? `<thead>${row(token.header, 'th')}</thead>`
          : '';
        const body = token.rows.map((cells) => row(cells, 'td')).join('\n');
        return `<div class="table" tabindex="0" role="group" aria-label="Table"><table>${head}<tbody>${body}</tbody></table></div>\n`;
      },
      code({ text }) {
        return `<pre tabindex="0"><code>${escaped(text)}</code></pre>\n`;
      },
    },
  });
  return { html: marked.parse(read(path)), sections };
}

/** Returns what a link of a page in the checkout is on the site. */
function linkFrom(path, href, linked) {
  if (/^[a-z]+:/i.test(href) || href.startsWith('#')) {
    return href;
  }
  const [name, anchor] = href.split('#');
  const target = posix.normalize(posix.join(posix.dirname(path), name)).replace(/\/$/, '');
  const readme = target === '.' ? 'README.md' : `${target}/README.md`;
  const found = existsSync(`${root}/${readme}`) ? readme : target;
  if (!existsSync(`${root}/${found}`) || statSync(`${root}/${found}`).isDirectory()) {
    throw new Error(`Cannot build the documentation: ${path} links to "${href}", which is no file`);
  }
  const address = found.startsWith('docs/pictures/')
    ? found.slice('docs/'.length)
    : addressOf(found);
  if (found.endsWith('.md')) {
    linked.pages.add(found);
  } else if (address.startsWith('files/')) {
    linked.files.add(found);
  }
  const relative = posix.relative(posix.dirname(addressOf(path)), address);
  return anchor === undefined ? relative : `${relative}#${anchor}`;
}

function layOut({ path, title, html, sections, groups }) {
  const here = posix.dirname(addressOf(path));
  const to = (address) => posix.relative(here, address);
  const item = (each) =>
    `<li><a href="${to(addressOf(each))}"${each === path ? ' aria-current="page"' : ''}>${escaped(titleOf(each))}</a></li>`;
  const navigation = groups.map(
    ([name, paths]) => `<h2>${name}</h2>\n<ul>\n${paths.map(item).join('\n')}\n</ul>`,
  );
  const inside =
    sections.length > 1
      ? `<nav class="inside" aria-label="On this page"><h2>On this page</h2>\n<ul>\n${sections
          .map(({ id, html: text }) => `<li><a href="#${id}">${text}</a></li>`)
          .join('\n')}\n</ul></nav>`
      : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} · pfs documentation</title>
<link rel="stylesheet" href="${to('site.css')}">
</head>
<body>
<a class="skip" href="#content">To the text</a>
<header><a class="home" href="/">pfs</a> <a href="${to('index.html')}">Documentation</a></header>
<div class="frame">
<nav class="pages" aria-label="Pages"><details><summary>All pages</summary></details><div class="list">
${navigation.join('\n')}
</div></nav>
<main id="content">
${html}</main>
${inside}
</div>
</body>
</html>
`;
}

function escaped(text) {
  return text.replace(
    /[&<>"]/g,
    (each) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[each],
  );
}
