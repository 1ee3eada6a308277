// Shows the view that the address names, and says below it which bundle answered.

import { keepKey, onAnswer } from './api.js';
import { itemForm } from './item_form.js';
import { operate } from './operate.js';
import { product, products } from './products.js';
import { search } from './search.js';
import { shoppers } from './shoppers.js';

const main = document.getElementById('main');
const notice = document.getElementById('degraded');

const VIEWS = [
  [/^#\/items\/(.+)$/, 'products', 'Product', product],
  [/^#\/search\/(.+)$/, 'search', 'Search', search],
  [/^#\/search$/, 'search', 'Search', search],
  [/^#\/add$/, 'products', 'Add a product', itemForm],
  [/^#\/change\/(.+)$/, 'products', 'Change a product', itemForm],
  [/^#\/operate$/, 'operate', 'Operate', operate],
  [/^#\/shoppers\/(.+)$/, 'shoppers', 'Shopper', shoppers],
  [/^#\/shoppers$/, 'shoppers', 'Shoppers', shoppers],
  [/^/, 'products', 'Products', products],
];

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function show(moved) {
  if (location.hash === '#main') return;
  notice.hidden = true;
  for (const [pattern, view, title, render] of VIEWS) {
    const found = location.hash.match(pattern);
    if (!found) continue;
    document.title = `${title} – Vitrine`;
    for (const link of document.querySelectorAll('nav [data-view]')) {
      if (link.dataset.view === view) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    render(main, found[1] === undefined ? undefined : decoded(found[1]));
    if (moved) {
      window.scrollTo(0, 0);
      main.focus({ preventScroll: true });
    }
    return;
  }
}

onAnswer(({ bundle, took_ms: took, degraded, degraded_because: because }) => {
  if (!bundle) return;
  if (degraded) {  // it stays until another view is opened
    notice.hidden = false;
    notice.textContent = `Less than it should be: ${because}`;
  }
  document.getElementById('bundle').textContent =
    `Bundle ${bundle.version} · ${bundle.fingerprint} · answered in ${took.toFixed(1)} ms`;
});
const keyForm = document.getElementById('key-form');
addEventListener('key-wanted', () => { keyForm.hidden = false; });
keyForm.addEventListener('submit', (event) => {
  event.preventDefault();
  keepKey(document.getElementById('key').value.trim());
  document.getElementById('key').value = '';
  keyForm.hidden = true;
  show(true);
});
window.addEventListener('hashchange', () => show(true));
show(false);
