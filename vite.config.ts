/** How the page is built: from client/ into build/client, and nothing outside the two and shared/. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'client',
  base: './',
  build: {
    outDir: '../build/client',
    emptyOutDir: true,
    target: 'es2023',
    // The renderer is most of the page and changes seldom; kept apart, it stays in the browser's cache.
    rolldownOptions: {
      input: ['client/index.html', 'client/admin/index.html'],
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
