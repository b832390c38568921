/** How the page is built: from client/ into build/client, and nothing outside the two and shared/. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const client = join(import.meta.dirname, 'client');

/** Puts what the pages of players have in common into their heads, before their style sheets are looked for. */
const head: Plugin = {
  name: 'head',
  transformIndexHtml: {
    order: 'pre',
    handler: (page) =>
      page.replace(/^ *<!-- head\.html -->\n/m, () => readFileSync(join(client, 'head.html'), 'utf8')),
  },
};

export default defineConfig({
  root: client,
  base: './',
  plugins: [head],
  // Of `npm run dev`: dependencies, each bundled once.
  cacheDir: '../build/vite',
  build: {
    outDir: '../build/client',
    emptyOutDir: true,
    target: 'es2023',
    // The renderer is most of the page and changes seldom; kept apart, it stays in the browser's cache.
    rolldownOptions: {
      // Absolute, because `npm run dev` reads them from another folder than the build does.
      input: ['index.html', 'lobby.html', 'admin/index.html'].map((page) => join(client, page)),
      output: {
        codeSplitting: {
          groups: [
            { name: 'pixi', test: /node_modules[\\/](pixi\.js|@pixi|eventemitter3|earcut|tiny-lru)/ },
            { name: 'colyseus', test: /node_modules[\\/](@colyseus|msgpackr)/ },
          ],
        },
      },
    },
    chunkSizeWarningLimit: 600,
  },
  resolve: {
    alias: {
      // The build that compiles nothing at run time: the page's security policy forbids it.
      msgpackr: 'msgpackr/index-no-eval',
    },
  },
});
