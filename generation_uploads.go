package modelslab

import (
	"context"
	"strconv"
	"strings"
)

// UploadsService makes a URL of a file, for the endpoints that take URLs alone.
// The links of File end after 24 hours, and nothing is said of the others. Files
// are read and encoded while they are sent.
// Documentation: docs.modelslab.com/general-api.
type UploadsService struct{ c *Client }

// UploadParams is a file to make a URL of.
type UploadParams struct {
	File Input // its media type is told by its content or name, or by [Input.MediaType]
}

// The members of the family have one name each for the file.
type (
	uploadFile struct {
		File Input `json:"base64_string" media:"datauri" rule:"required,5 MB"`
	}
	uploadImage struct {
		File Input `json:"init_image" media:"datauri image/" rule:"required"`
	}
	uploadVideo struct {
		File Input `json:"init_obj" media:"datauri video/" rule:"required"`
	}
	uploadModel struct {
		File Input `json:"init_obj" media:"datauri model/" rule:"required"`
	}
	uploadAudio struct {
		File Input `json:"init_audio" media:"datauri audio/" rule:"required"`
	}
)

// Upload is a file that has a URL now.
type Upload struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

// Input is the uploaded file as an input of a generation.
func (u *Upload) Input() Input { return InputURL(u.URL) }

func (u *Upload) decode(t *trip, a *answer) error {
	if err := t.jobFailure(a); err != nil {
		return err
	}
	m, err := a.members()
	if err != nil {
		return err
	}
	for m.next() {
		switch string(m.name) {
		case "id", "request_id":
			u.ID = firstOf(u.ID, jsonText(m.value))
		case "output", "link", "url", "links":
			if all := links(m.value); u.URL == "" && len(all) > 0 {
				u.URL = all[0]
			}
		}
	}
	if u.URL == "" {
		return missing("output")
	}
	return nil
}

func (s *UploadsService) upload(ctx context.Context, e endpoint, body any, opts []RequestOption) (*Upload, error) {
	u, err := call[Upload](ctx, s.c, e, input{body: body}, opts)
	if p, ok := as[*ParamError](err); ok && strings.HasSuffix(p.Param, ".File") {
		own := *p
		own.Param = "UploadParams.File"
		return nil, &own
	}
	return u, err
}

// File uploads any medium: a picture, a recording, a video or a 3D model, of at
// most 5 MB (5 * 2^20 bytes before they are encoded). API: POST
// /api/v6/base64_to_url.
func (s *UploadsService) File(ctx context.Context, p UploadParams, opts ...RequestOption) (*Upload, error) {
	return s.upload(ctx, uploadsFile, uploadFile(p), opts)
}

// Image uploads a picture; no limit is documented. API: POST
// /api/v6/image_editing/base64_to_url.
func (s *UploadsService) Image(ctx context.Context, p UploadParams, opts ...RequestOption) (*Upload, error) {
	return s.upload(ctx, uploadsImage, uploadImage(p), opts)
}

// Video uploads a video. API: POST /api/v6/video/base64_to_url.
func (s *UploadsService) Video(ctx context.Context, p UploadParams, opts ...RequestOption) (*Upload, error) {
	return s.upload(ctx, uploadsVideo, uploadVideo(p), opts)
}

// Audio uploads a recording; 10 to 15 seconds are suggested. API: POST
// /api/v6/voice/base64_to_url.
func (s *UploadsService) Audio(ctx context.Context, p UploadParams, opts ...RequestOption) (*Upload, error) {
	return s.upload(ctx, uploadsAudio, uploadAudio(p), opts)
}

// ThreeD uploads a 3D model. Its name or content has to tell that it is one, or
// [Input.MediaType]: "model/obj" for an OBJ in memory. API: POST /api/v6/3d/base64_to_url.
func (s *UploadsService) ThreeD(ctx context.Context, p UploadParams, opts ...RequestOption) (*Upload, error) {
	return s.upload(ctx, uploadsThreeD, uploadModel(p), opts)
}

// UploadCropParams is a picture for training.
type UploadCropParams struct {
	Image Input `json:"image" media:"datauri image/" rule:"required,5 MB"` // 5 MB at most
	Crop  *bool `json:"-"`                                                 // to 512x512 pixels; nil: true
}

func (p UploadCropParams) wire() any {
	return struct {
		Image Input  `json:"image"`
		Crop  string `json:"crop"`
	}{p.Image, strconv.FormatBool(p.Crop == nil || *p.Crop)}
}

// Crop uploads a picture, cut to 512x512 pixels unless that is declined: what
// training wants. API: POST /api/v3/base64_crop.
func (s *UploadsService) Crop(ctx context.Context, p UploadCropParams, opts ...RequestOption) (*Upload, error) {
	return call[Upload](ctx, s.c, uploadsCrop, input{body: p}, opts)
}

// UploadServerImageParams is a picture for a dedicated server.
type UploadServerImageParams struct {
	Image     Input  `json:"base64_image" media:"datauri image/" rule:"required"`
	ImageType string `json:"image_type" rule:"required"` // png, jpeg or jpg
}

// ServerImage uploads a picture to the storage of a dedicated server, which needs
// an S3 bucket of its own; see [ServersService.UpdateS3]. The client's API key is
// that of the server. API: POST /api/v1/enterprise/upload_image.
func (s *UploadsService) ServerImage(ctx context.Context, p UploadServerImageParams, opts ...RequestOption) (*Upload, error) {
	return call[Upload](ctx, s.c, uploadsServerImage, input{body: p}, opts)
}
