/* Dragging over a picture shows the range that was dragged over.  Without this script the links do the same. */
"use strict";

(() => {
    const SHORTEST = 5; // pixels; less is a click

    for (const picture of document.querySelectorAll("img[data-graph]")) {
        const { scope = "", graph, from, to, left, width } = picture.dataset;
        let start = null;
        let band = null;

        /* Where the pointer is in the plot, from 0 to 1; a picture may be shown smaller than it is. */
        const position = (event) => {
            const box = picture.getBoundingClientRect();
            const scale = picture.naturalWidth / box.width;
            return Math.min(1, Math.max(0, ((event.clientX - box.left) * scale - left) / width));
        };

        const mark = (first, last) => {
            const box = picture.getBoundingClientRect();
            const scale = box.width / picture.naturalWidth;
            const at = (part) => (Number(left) + part * width) * scale + box.left + window.scrollX;
            band.style.left = `${at(Math.min(first, last))}px`;
            band.style.width = `${at(Math.max(first, last)) - at(Math.min(first, last))}px`;
            band.style.top = `${box.top + window.scrollY}px`;
            band.style.height = `${box.height}px`;
        };

        const stop = () => {
            start = null;
            band?.remove();
            band = null;
        };

        picture.addEventListener("dragstart", (event) => event.preventDefault());

        picture.addEventListener("pointerdown", (event) => {
            if (event.button !== 0 || event.pointerType === "touch") return; // a finger scrolls
            start = { x: event.clientX, part: position(event) };
            picture.setPointerCapture(event.pointerId);
        });

        picture.addEventListener("pointermove", (event) => {
            if (!start || Math.abs(event.clientX - start.x) < SHORTEST) return;
            if (!band) {
                band = document.createElement("div");
                band.className = "band";
                document.body.append(band);
            }
            mark(start.part, position(event));
        });

        picture.addEventListener("pointerup", (event) => {
            if (!band) return stop();
            const time = (part) => Math.round(Number(from) + part * (to - from));
            const [first, last] = [start.part, position(event)].sort((one, other) => one - other);
            stop();
            picture.addEventListener("click", (click) => click.preventDefault(), { once: true });
            window.location.search = `?${scope}g=${graph}&from=${time(first)}&to=${time(last)}`;
        });

        picture.addEventListener("pointercancel", stop);
    }
})();
