package sandbox

import (
	"image"
	"image/color"
)

const (
	glyphWidth   = 3
	glyphHeight  = 5
	glyphAdvance = glyphWidth + 1
)

// glyph returns five rows of three dots each, a digit a row, its bits the dots from left
// to right: "25755" is an A.
func glyph(r rune) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	rows := [...]string{
		"25755", "65656", "34443", "65556", "74647", "74644", "34553", "55755", "72227", "11152", "55655", "44447", "57755",
		"65555", "25552", "65644", "25563", "65655", "34216", "72222", "55557", "55552", "55775", "55255", "55222", "71247",
		"75557", "26227", "61247", "61216", "55711", "74616", "34757", "71222", "75757", "75716",
	}
	for i, l := range letters {
		if l == r {
			return rows[i]
		}
	}
	switch r {
	case ' ':
		return "00000"
	case '.':
		return "00002"
	case ',':
		return "00024"
	case '!':
		return "22202"
	case '?':
		return "61202"
	case '-', '–', '—':
		return "00700"
	case '\'', '’':
		return "22000"
	case '"', '“', '”':
		return "55000"
	case ':':
		return "02020"
	case '/':
		return "11244"
	case '(':
		return "12221"
	case ')':
		return "42224"
	case '+':
		return "02720"
	case '#':
		return "57575"
	}
	return "77777" // a letter that this font lacks
}

func drawGlyph(img *image.RGBA, r rune, left, top, scale int) {
	ink := color.RGBA{R: 0xf4, G: 0xf1, B: 0xe8, A: 0xff}
	for row, bits := range glyph(r) {
		for column := range glyphWidth {
			if (bits-'0')>>(glyphWidth-1-column)&1 == 0 {
				continue
			}
			for y := range scale {
				fill(img, left+column*scale, left+(column+1)*scale, top+row*scale+y, ink)
			}
		}
	}
}
