// Browsing the catalog, and one product with what is similar to it.

import { answerThatShowed, get, itemPath, post, send } from './api.js';
import { card, el, field, fill, grid, named, photo, price, say, trouble } from './parts.js';
import { asParameters, fillCategories, refine } from './refine.js';
import { shopper } from './shoppers.js';

const PAGE = 24;
const asked = { category: '', words: '', sort: 'popular' };

export function products(main) {
  const category = el('select', { id: 'category', onchange: changed });
  const words = el('input', { id: 'words', type: 'search', maxlength: 200, autocomplete: 'off',
    placeholder: 'Words in the title', value: asked.words, oninput: typed });
  const sort = el('select', { id: 'sort', onchange: changed },
    [['popular', 'Popular'], ['new', 'Newest'], ['price', 'Price'], ['catalog', 'As listed']]
      .map(([value, text]) => el('option', { value, selected: value === asked.sort }, text)));
  const found = el('p', { class: 'count', role: 'status' });
  const place = el('div');
  main.replaceChildren(
    el('div', { class: 'title' }, el('h1', {}, 'Products'), el('a', { class: 'button', href: '#/add' }, 'Add a product')),
    el('form', { class: 'filters', role: 'search', onsubmit: (event) => event.preventDefault() },
      field('Search', words), field('Category', category), field('Sort by', sort), found),
    place);
  fillCategories(category, asked.category);
  let running = new AbortController();
  let timer = 0;
  load();

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(changed, 180);
  }

  function changed() {
    asked.category = category.value;
    asked.words = words.value;
    asked.sort = sort.value;
    load();
  }

  function load() {
    running.abort();
    running = new AbortController();
    fill(place, get('/v1/items', { ...asked, limit: PAGE }, running.signal), (answer) => {
      found.textContent = `${answer.total.toLocaleString('en')} products`;
      const list = grid(answer.items, 'Products');
      return [list, more(list, answer)];
    });
  }

  function more(list, first) {
    if (first.total <= PAGE) return [];
    let offset = PAGE;
    const button = el('button', { type: 'button', class: 'more', onclick: async () => {
      button.disabled = true;
      try {
        const answer = await get('/v1/items', { ...asked, limit: PAGE, offset });
        const added = answer.items.map(card);
        list.append(...added);
        added[0]?.querySelector('a').focus({ preventScroll: true });
        offset += PAGE;
        button.disabled = false;
        if (offset >= answer.total) button.remove();
      } catch (error) {
        button.replaceWith(trouble(error));
      }
    } }, 'Show more');
    return button;
  }
}

export async function product(main, itemId) {
  const place = el('div');
  main.replaceChildren(place);
  await fill(place, get(itemPath(itemId)), ({ item }) => {
    document.title = `${named(item)} – Vitrine`;
    const similar = el('section', { 'aria-labelledby': 'similar' });
    const list = el('div');
    const showSimilar = (wanted) => fill(list, get(`${itemPath(itemId)}/similar`, { k: 12, ...asParameters(wanted) }),
      // every card would give the same reason
      (answer) => grid(answer.items.map((each) => ({ ...each, reason: '' })), 'Similar items'));
    similar.append(el('h2', { id: 'similar' }, 'Similar items'), refine(showSimilar), list);
    showSimilar({});
    return [whole(item), similar];
  }, 4);
}

function whole(item) {
  const facts = Object.entries({ Category: item.category, Brand: item.brand, ...item.attributes })
    .filter(([, value]) => value);
  return el('article', { class: 'product' },
    el('div', { class: 'frame large' }, photo(item, 512, true)),
    el('div', {},
      el('p', { class: 'crumb' }, el('a', { href: '#/' }, 'Products'), ` / ${item.item_id}`),
      el('h1', {}, named(item)),
      el('p', { class: 'price' }, price(item)),
      item.available ? null : el('p', { class: 'withdrawn' }, 'Not available now'),
      item.description ? el('p', {}, item.description) : null,
      el('dl', {}, facts.flatMap(([name, value]) => [el('dt', {}, name.replaceAll('_', ' ')), el('dd', {}, value)]),
        el('dt', {}, 'Events'), el('dd', {}, item.num_events.toLocaleString('en'))),
      forShop(item), shopper() ? asShopper(item) : null));
}

function asShopper(item) {
  const told = el('p', { class: 'told', role: 'status' });
  const button = (event, text) => el('button', { type: 'button', onclick: async () => {
    try {
      await post('/v1/events', { events: [{ user_id: shopper(), item_id: item.item_id, event,
        request_id: answerThatShowed(item.item_id) }] });
      told.replaceChildren('Stored. ', el('a', { href: `#/shoppers/${encodeURIComponent(shopper())}` },
        'The next recommendations see it.'));
    } catch (error) {
      told.replaceChildren(`${error.message} ${error.mend || ''}`);
      say(error.message);
    }
  } }, text);
  return el('div', { class: 'as-shopper' },
    el('p', {}, `As shopper ${shopper()}:`),
    el('div', { class: 'buttons' }, button('view', 'Record a view'), button('cart', 'Put in the cart'),
      button('purchase', 'Buy')), told);
}

function forShop(item) {
  const told = el('p', { class: 'told', role: 'status' });
  const id = encodeURIComponent(item.item_id);
  const withdraw = el('button', { type: 'button', class: 'grave', onclick: async () => {
    if (withdraw.dataset.sure === undefined) {  // a second press means it
      withdraw.dataset.sure = '';
      withdraw.textContent = 'Withdraw it now';
      told.textContent = 'It will be in no answer any more. Press again to withdraw it.';
      return;
    }
    try {
      await send('DELETE', itemPath(item.item_id));
      told.textContent = 'Withdrawn. It is in no answer any more.';
      withdraw.remove();
    } catch (error) {
      told.textContent = `${error.message} ${error.mend}`;
    }
  } }, 'Withdraw');
  return el('div', { class: 'for-shop' }, el('div', { class: 'buttons' },
    el('a', { class: 'button', href: `#/search/${id}` }, 'Search with this'),
    el('a', { class: 'button', href: `#/change/${id}` }, 'Change'), withdraw), told);
}
