// dist/web, made from web/ and the documentation: the page, bundled and split by esbuild under names that hold a hash of their content, each file
// beside its compressed forms.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { root } from './paths.mjs';

const COMPRESSED = /\.(?:js|css|html|svg|json)$/;

const OPTIONS = {
  entryNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['es2023', 'chrome123', 'firefox121', 'safari17.5'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'silent',
};

/** Bundles the page into a folder. The bundler's own message is the error where the sources can't be bundled. */
export async function buildWeb(folder) {
  // Only here: the set-up begins before the packages are there.
  const { build } = await import('esbuild');
  const bundle = async (entryPoints, define = {}) => {
    const options = { ...OPTIONS, absWorkingDir: root, outdir: folder, entryPoints, define };
    const { metafile } = await build(options);
    return (source) => {
      const outputs = Object.entries(metafile.outputs);
      const [path = ''] = outputs.find(([, { entryPoint }]) => entryPoint === source) ?? [];
      return `/assets/${path.split('/').at(-1)}`;
    };
  };
  const worker = 'web/graph/layout-worker.ts';
  const workerOf = await bundle({ 'layout-worker': worker });
  const nameOf = await bundle(
    { boot: 'web/boot.ts', style: 'web/styles/main.css' },
    { LAYOUT_WORKER: JSON.stringify(workerOf(worker)) },
  );
  const html = readFileSync(`${root}/web/page.html`, 'utf8')
    .replace('{{script}}', nameOf('web/boot.ts'))
    .replace('{{main}}', nameOf('web/main.tsx'))
    .replace('{{style}}', nameOf('web/styles/main.css'));
  writeFileSync(`${folder}/index.html`, html);
  writeFileSync(`${folder}/icon.svg`, readFileSync(`${root}/web/icon.svg`));
  const { writeSite } = await import('../docs/site.mjs');
  writeSite(`${folder}/docs`);
  compressAll(folder);
}

/** Writes `<name>.br` and `<name>.gz` beside everything that compression makes smaller. */
export function compressAll(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const name of names.filter((each) => COMPRESSED.test(each))) {
    const path = `${folder}/${name}`;
    const bytes = readFileSync(path);
    const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }));
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  }
}
