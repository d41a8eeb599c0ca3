package sandbox

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"unicode"
)

// picture is a landscape drawn from a prompt: sky, a sun or a moon, ridges that fade into
// the distance, a lake if there is water in the words, and the words themselves below.
type picture struct {
	prompt        string
	seed          int64
	width, height int
}

// png draws the picture. The same picture is always the same bytes.
func (p picture) png() []byte {
	img := image.NewRGBA(image.Rect(0, 0, p.width, p.height))
	p.paint(img)
	p.caption(img)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img); err != nil {
		panic(fmt.Sprintf("sandbox: the picture does not encode: %v", err))
	}
	return b.Bytes()
}

// scene is what the words ask for.
type scene struct {
	zenith, horizon, land, orb color.RGBA
	night, water, forest       bool
}

func (p picture) scene(chance *rand.Rand) scene {
	said := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(p.prompt), func(r rune) bool { return !unicode.IsLetter(r) }) {
		said[w], said[strings.TrimSuffix(w, "s")] = true, true
	}
	speaksOf := func(words ...string) bool {
		for _, w := range words {
			if said[w] {
				return true
			}
		}
		return false
	}
	skies := [][2]color.RGBA{
		{rgb(0x2b5876), rgb(0xf2c7a5)}, {rgb(0x4b6cb7), rgb(0xdfe9f3)},
		{rgb(0x614385), rgb(0xf7b7a3)}, {rgb(0x1d976c), rgb(0xd4f5c9)}, {rgb(0x355c7d), rgb(0xf8b195)},
	}
	sky := skies[chance.IntN(len(skies))]
	sc := scene{
		zenith: sky[0], horizon: sky[1], orb: rgb(0xfff4d6),
		night:  speaksOf("night", "midnight", "star", "moon", "dark", "space", "galaxy"),
		water:  speaksOf("water", "lake", "sea", "ocean", "river", "beach", "island", "boat", "harbor", "harbour"),
		forest: speaksOf("forest", "tree", "wood", "jungle", "pine", "garden"),
	}
	switch {
	case speaksOf("sunset", "sunrise", "dusk", "dawn", "evening"):
		sc.zenith, sc.horizon, sc.orb = rgb(0x4a2c6d), rgb(0xff9e5e), rgb(0xffe08a)
	case sc.night:
		sc.zenith, sc.horizon, sc.orb = rgb(0x070b24), rgb(0x33426e), rgb(0xeef1ff)
	}
	sc.land = mix(sc.zenith, rgb(0x10202c), 0.72)
	if sc.forest {
		sc.land = rgb(0x16321f)
	}
	for _, c := range colorWords() {
		if said[c.word] {
			sc.horizon = mix(sc.horizon, c.color, 0.65)
			sc.zenith = mix(sc.zenith, c.color, 0.45)
			sc.land = mix(sc.land, c.color, 0.22)
		}
	}
	return sc
}

type colorWord struct {
	word  string
	color color.RGBA
}

// colorWords are the colours that a prompt can name, in the order in which they are mixed.
func colorWords() []colorWord {
	return []colorWord{
		{"red", rgb(0xd7263d)}, {"crimson", rgb(0xa4133c)}, {"orange", rgb(0xf46036)}, {"gold", rgb(0xf2b632)},
		{"golden", rgb(0xf2b632)}, {"yellow", rgb(0xffd449)}, {"green", rgb(0x2e8b57)}, {"emerald", rgb(0x0b8457)},
		{"teal", rgb(0x1b998b)}, {"turquoise", rgb(0x30c5c5)}, {"blue", rgb(0x2e6fd6)}, {"indigo", rgb(0x3f2b96)},
		{"purple", rgb(0x7b2cbf)}, {"violet", rgb(0x8f5fd6)}, {"pink", rgb(0xff6fa8)}, {"brown", rgb(0x7a4a2b)},
		{"black", rgb(0x0b0b10)}, {"white", rgb(0xf4f6fa)}, {"grey", rgb(0x8a9099)}, {"gray", rgb(0x8a9099)},
		{"silver", rgb(0xbfc5cc)},
	}
}

func rgb(hex uint32) color.RGBA {
	return color.RGBA{R: uint8(hex >> 16 & 0xff), G: uint8(hex >> 8 & 0xff), B: uint8(hex & 0xff), A: 0xff}
}

// mix goes from a to b as t goes from 0 to 1.
func mix(a, b color.RGBA, t float64) color.RGBA {
	t = min(max(t, 0), 1)
	part := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*t + 0.5) }
	return color.RGBA{R: part(a.R, b.R), G: part(a.G, b.G), B: part(a.B, b.B), A: 0xff}
}

const ridges = 5

func (p picture) paint(img *image.RGBA) {
	chance := rand.New(rand.NewPCG(uint64(p.seed), uint64(promptSeed(p.prompt)))) //nolint:gosec // a picture, not a secret
	sc := p.scene(chance)
	w, h := float64(p.width), float64(p.height)
	ground := h // where land ends and water begins
	if sc.water {
		ground = h * 0.72
	}
	for y := range p.height {
		fill(img, 0, p.width, y, mix(sc.zenith, sc.horizon, math.Pow(float64(y)/(ground*0.8), 1.3)))
	}
	if sc.night {
		for range p.width * p.height / 1800 {
			x, y := chance.IntN(p.width), chance.IntN(int(h*0.55))
			img.SetRGBA(x, y, mix(img.RGBAAt(x, y), rgb(0xffffff), 0.3+0.7*chance.Float64()))
		}
	}
	orb(img, w*(0.2+0.6*chance.Float64()), ground*(0.18+0.25*chance.Float64()), h*(0.05+0.04*chance.Float64()), sc.orb)
	for i := range ridges {
		near := float64(i+1) / ridges
		ridge(img, chance, ground*(0.42+0.48*near), ground*(0.17-0.09*near), int(ground), mix(sc.horizon, sc.land, 0.15+0.85*near))
		if sc.forest && i >= ridges-2 {
			trees(img, chance, ground*(0.5+0.48*near), ground*(0.06+0.05*near), mix(sc.land, rgb(0x06140c), near*0.6))
		}
	}
	if sc.water {
		lake(img, int(ground), sc.zenith)
	}
}

func fill(img *image.RGBA, from, to, y int, c color.RGBA) {
	row := img.Pix[img.PixOffset(from, y) : img.PixOffset(to-1, y)+4]
	for i := 0; i < len(row); i += 4 {
		row[i], row[i+1], row[i+2], row[i+3] = c.R, c.G, c.B, 0xff
	}
}

// orb is a disc with a glow around it.
func orb(img *image.RGBA, cx, cy, radius float64, c color.RGBA) {
	b := img.Bounds()
	reach := radius * 5
	for y := max(0, int(cy-reach)); y < min(b.Dy(), int(cy+reach)); y++ {
		for x := max(0, int(cx-reach)); x < min(b.Dx(), int(cx+reach)); x++ {
			dx, dy := float64(x)-cx, float64(y)-cy
			if dx*dx+dy*dy > reach*reach {
				continue
			}
			light := 1.0
			if d := math.Sqrt(dx*dx + dy*dy); d > radius {
				fade := 1 - (d-radius)/(reach-radius)
				light = max(0.55*fade*fade*fade, radius+1-d)
			}
			img.SetRGBA(x, y, mix(img.RGBAAt(x, y), c, light))
		}
	}
}

// ridge is a line of hills, filled down to the ground.
func ridge(img *image.RGBA, chance *rand.Rand, base, swing float64, ground int, c color.RGBA) {
	var phase [6]float64
	for i := range phase {
		phase[i] = chance.Float64() * 2 * math.Pi
	}
	w := float64(img.Bounds().Dx())
	for x := range img.Bounds().Dx() {
		top, part, frequency := base, swing, 1.7
		for i := range phase {
			top += part * math.Sin(float64(x)/w*2*math.Pi*frequency+phase[i])
			part, frequency = part*0.48, frequency*2.13
		}
		for y := max(0, int(top)); y < ground; y++ {
			dot := img.Pix[img.PixOffset(x, y):]
			dot[0], dot[1], dot[2] = c.R, c.G, c.B
		}
	}
}

// trees are firs of different heights, standing on a line.
func trees(img *image.RGBA, chance *rand.Rand, base, tallest float64, c color.RGBA) {
	b := img.Bounds()
	for x := 0.0; x < float64(b.Dx()); x += tallest * (0.15 + 0.3*chance.Float64()) {
		tall := tallest * (0.5 + 0.5*chance.Float64())
		for y := range int(tall) {
			half := tall * 0.22 * (float64(y)/tall*0.8 + 0.2*math.Mod(float64(y)/tall*4, 1))
			row, from, to := int(base-tall)+y, max(0, int(x-half)), min(b.Dx(), int(x+half)+1)
			if row >= 0 && row < b.Dy() && from < to {
				fill(img, from, to, row, c)
			}
		}
	}
}

// lake mirrors what stands above it, darker, with ripples.
func lake(img *image.RGBA, shore int, c color.RGBA) {
	b := img.Bounds()
	for y := shore; y < b.Dy(); y++ {
		deep := float64(y-shore) / float64(b.Dy()-shore)
		shift := int(3 * deep * math.Sin(float64(y)*0.9))
		mirrored := max(0, shore-1-(y-shore)*2)
		for x := range b.Dx() {
			seen := img.RGBAAt(min(max(x+shift, 0), b.Dx()-1), mirrored)
			img.SetRGBA(x, y, mix(seen, c, 0.25+0.35*deep))
		}
	}
}

// caption writes the prompt on a dark band at the bottom.
func (p picture) caption(img *image.RGBA) {
	scale := max(1, p.width/256)
	band := (glyphHeight + 6) * scale
	for y := p.height - band; y < p.height; y++ {
		for x := range p.width {
			img.SetRGBA(x, y, mix(img.RGBAAt(x, y), rgb(0x0b0b10), 0.62))
		}
	}
	text := []rune(strings.ToUpper(strings.Join(strings.Fields(p.prompt), " ")))
	if fit := (p.width/scale - 8) / glyphAdvance; len(text) > fit {
		text = append(text[:fit-3], '.', '.', '.')
	}
	for i, r := range text {
		drawGlyph(img, r, scale*(4+i*glyphAdvance), p.height-band+3*scale, scale)
	}
}
