/**
 * The script of the page: shows at once, beside the pointer, what the browser's own titles show
 * late. Without it the titles stay.
 */
export const PAGE_SCRIPT = `
const box = document.body.appendChild(document.createElement('div'));
box.id = 'tip';
for (const title of document.querySelectorAll('.tip > title')) {
  title.parentNode.dataset.tip = title.textContent;
  title.remove();
}
const hide = () => { box.style.visibility = 'hidden'; };
document.addEventListener('pointermove', (event) => {
  const found = event.target instanceof Element && event.target.closest('[data-tip]');
  if (!found) return hide();
  box.textContent = found.dataset.tip;
  const left = Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 8);
  const above = event.clientY - box.offsetHeight - 12;
  box.style.left = Math.max(8, left) + 'px';
  box.style.top = (above > 0 ? above : event.clientY + 18) + 'px';
  box.style.visibility = 'visible';
});
document.addEventListener('pointerleave', hide);
document.addEventListener('scroll', hide, { passive: true });
`;
