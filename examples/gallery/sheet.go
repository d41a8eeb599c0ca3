package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	_ "image/gif"  // what the images may be
	_ "image/jpeg" // likewise
	"image/png"
	"io"
	"strings"
)

// The measures of the contact sheet, in pixels.
const (
	side   = 256 // of a tile
	gap    = 12
	margin = 170 // for the prompts, left of the rows
	header = 40  // for the models, above the columns
	scale  = 2   // pixels to a dot of the letters
)

var (
	paper = color.RGBA{0xf6, 0xf4, 0xef, 0xff}
	ink   = color.RGBA{0x22, 0x22, 0x28, 0xff}
	alarm = color.RGBA{0x9b, 0x2c, 0x2c, 0xff}
)

// writeSheet writes all images as one: a column for each model, a row for each prompt.
func (g *gallery) writeSheet(w io.Writer) error {
	columns, rows := len(g.models), len(g.prompts)
	sheet := image.NewRGBA(image.Rect(0, 0, margin+columns*(side+gap)+gap, header+rows*(side+gap)+gap))
	fill(sheet, sheet.Bounds(), paper)
	at := func(column, row int) image.Rectangle {
		return image.Rect(0, 0, side, side).Add(image.Pt(margin+gap+column*(side+gap), header+row*(side+gap)))
	}
	for column, model := range g.models {
		cell := at(column, 0)
		write(sheet, model, image.Rect(cell.Min.X, gap, cell.Max.X, header), ink)
	}
	for row, prompt := range g.prompts {
		cell := at(0, row)
		write(sheet, prompt, image.Rect(gap, cell.Min.Y, margin, cell.Max.Y), ink)
	}
	for i, t := range g.tiles {
		t.draw(sheet, at(i%columns, i/columns))
	}
	return png.Encode(w, sheet)
}

func (t *tile) draw(sheet *image.RGBA, cell image.Rectangle) {
	said := ""
	if t.Err != nil {
		said = "failed: " + reason(t.Err)
	} else if picture, _, err := image.Decode(bytes.NewReader(t.Image)); err == nil {
		fit(sheet, cell, picture)
		return
	} else {
		said = "only on the page: " + err.Error() // WebP, say, which the standard library does not read
	}
	fill(sheet, cell, alarm)
	write(sheet, said, cell.Inset(gap), paper)
}

func fill(sheet *image.RGBA, where image.Rectangle, c color.Color) {
	draw.Draw(sheet, where, image.NewUniform(c), image.Point{}, draw.Src)
}

// fit draws a picture into the middle of a cell, as large as it goes. A pixel is the mean of
// those that it stands for.
func fit(sheet *image.RGBA, cell image.Rectangle, picture image.Image) {
	from := picture.Bounds()
	if from.Empty() {
		return
	}
	source := image.NewRGBA(image.Rect(0, 0, from.Dx(), from.Dy()))
	draw.Draw(source, source.Bounds(), picture, from.Min, draw.Src)
	longest := max(from.Dx(), from.Dy())
	width, height := max(1, side*from.Dx()/longest), max(1, side*from.Dy()/longest)
	corner := cell.Min.Add(image.Pt((side-width)/2, (side-height)/2))
	for y := range height {
		for x := range width {
			part := image.Rect(x*from.Dx()/width, y*from.Dy()/height, (x+1)*from.Dx()/width, (y+1)*from.Dy()/height)
			sheet.SetRGBA(corner.X+x, corner.Y+y, mean(source, part))
		}
	}
}

func mean(source *image.RGBA, part image.Rectangle) color.RGBA {
	part.Max.X, part.Max.Y = max(part.Max.X, part.Min.X+1), max(part.Max.Y, part.Min.Y+1)
	var sum [4]int
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			for i, v := range source.Pix[source.PixOffset(x, y):][:4] {
				sum[i] += int(v)
			}
		}
	}
	n := part.Dx() * part.Dy()
	return color.RGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), uint8(sum[3] / n)} //nolint:gosec // means of bytes
}

// letters are three dots wide and five high: a digit for each line, from the top, whose bits
// are its dots.
var letters = map[rune]string{
	'a': "25755", 'b': "65656", 'c': "34443", 'd': "65556", 'e': "74647", 'f': "74644", 'g': "34553", 'h': "55755", 'i': "72227",
	'j': "11152", 'k': "55655", 'l': "44447", 'm': "57755", 'n': "65555", 'o': "25552", 'p': "65644", 'q': "25563", 'r': "65655",
	's': "34216", 't': "72222", 'u': "55557", 'v': "55552", 'w': "55775", 'x': "55255", 'y': "55222", 'z': "71247",
	'0': "75557", '1': "26227", '2': "61247", '3': "61216", '4': "55711", '5': "74616", '6': "34757", '7': "71222", '8': "75757", '9': "75716",
	'.': "00002", ',': "00024", ':': "02020", '-': "00700", '_': "00007", '/': "11244", '\'': "22000", '!': "22202", '?': "61202",
	'(': "12221", ')': "42224", ' ': "00000",
}

// write puts a text into a box, word by word. What does not fit is left out; the page has it.
func write(sheet *image.RGBA, text string, box image.Rectangle, c color.RGBA) {
	const wide, high = 4 * scale, 7 * scale
	fits := box.Dx() / wide
	pen := box.Min
	for _, word := range strings.Fields(strings.ToLower(text)) {
		letters := []rune(word)
		if used := (pen.X - box.Min.X) / wide; used > 0 && used+len(letters) > fits {
			pen = image.Pt(box.Min.X, pen.Y+high)
		}
		for _, letter := range letters {
			if pen.X+wide > box.Max.X {
				pen = image.Pt(box.Min.X, pen.Y+high)
			}
			if pen.Y+5*scale > box.Max.Y {
				return
			}
			writeLetter(sheet, letter, pen, c)
			pen.X += wide
		}
		pen.X += wide
	}
}

func writeLetter(sheet *image.RGBA, letter rune, at image.Point, c color.RGBA) {
	rows, known := letters[letter]
	if !known {
		rows = letters['?']
	}
	for y, bits := range rows {
		for x := range 3 {
			if (bits-'0')>>(2-x)&1 == 1 {
				dot := image.Rect(0, 0, scale, scale).Add(image.Pt(at.X+x*scale, at.Y+y*scale))
				fill(sheet, dot, c)
			}
		}
	}
}
