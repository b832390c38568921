/** Style sheets that a module brings along; Vite puts them into the page. */
declare module '*.css';
