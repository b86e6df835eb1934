//! The door: HTTP on one side, calls and deliveries on the other; and the transport that needs no socket.
//!
//! Both go through the same router, so what a test sees is what a client sees.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Request as HttpRequest, Response as HttpResponse, StatusCode, header};
use futures_util::stream;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::call::{self, Call, Reply};
use super::faults::Effect;
use super::{Delivery, Simulator, control};
use crate::clock::Pending;
use crate::zendesk::{Lost, Request, Response, Transport};

/// Longest body that is read: a snapshot of a large account, sent to the control address.
const BODY_BYTES_MAX: usize = 256 << 20;

/// Marks an answer that stands for a connection which never was: only the twin can tell.
#[derive(Clone)]
struct NoConnection;

impl Simulator {
    /// The whole account as an HTTP service.
    pub fn router(&self) -> Router {
        Router::new().fallback(enter).with_state(self.clone())
    }

    /// Serves until `stop` comes; idle connections are then closed, open answers finished.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        axum::serve(listener, self.router()).with_graceful_shutdown(stop).await
    }

    /// A transport that calls the router in this process.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(SimulatedTransport { router: self.router() })
    }
}

async fn enter(State(simulator): State<Simulator>, request: HttpRequest<Body>) -> HttpResponse<Body> {
    let call = match read(request).await {
        Ok(call) => call,
        Err(refusal) => return whole(refusal),
    };
    if call.path.starts_with(control::PATH) {
        return whole(control::answer(&simulator, &call));
    }
    let effects = simulator.lock().faults.befall(&call);
    let wait: Duration =
        effects.iter().map(|one| if let Effect::Slow(late) = one { *late } else { Duration::ZERO }).sum();
    if !wait.is_zero() {
        simulator.clock.sleep(wait).await;
    }
    match simulator.turn(&call, &effects) {
        Delivery::Whole(reply) => whole(reply),
        Delivery::HalfWay(reply) => broken_off(whole(reply)).await,
        Delivery::Nothing => broken_off(whole(Reply::empty(200))).await,
        Delivery::NoConnection => {
            let mut response = broken_off(whole(Reply::empty(200))).await;
            response.extensions_mut().insert(NoConnection);
            response
        }
    }
}

async fn read(request: HttpRequest<Body>) -> Result<Call, Reply> {
    let (head, body) = request.into_parts();
    let text = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return Err(Reply::fault(413, "RequestEntityTooLarge", "The body is too long or broke off"));
    };
    Ok(Call {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization: text(header::AUTHORIZATION),
        content_type: text(header::CONTENT_TYPE).unwrap_or_default(),
        body: body.into(),
    })
}

fn whole(reply: Reply) -> HttpResponse<Body> {
    let mut response = HttpResponse::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    let (kind, text) = match reply.body {
        call::Body::Nothing => return response,
        call::Body::Json(value) => ("application/json; charset=utf-8", value.to_string()),
        call::Body::Html(page) => ("text/html; charset=UTF-8", page),
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    *response.body_mut() = Body::from(text);
    response
}

/// The answer, but its connection dies half-way through the body; without a body, before anything was sent.
async fn broken_off(response: HttpResponse<Body>) -> HttpResponse<Body> {
    let (mut head, body) = response.into_parts();
    let mut half = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if half.is_empty() {
        // An answer that may have no body would be whole without it.
        head.status = StatusCode::OK;
    }
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(half.len().max(1)));
    half.truncate(half.len() / 2);
    let parts = stream::unfold(Some(half), |rest| async move {
        match rest {
            Some(half) if !half.is_empty() => Some((Ok(half), None)),
            _ => {
                // Lets the first half leave before the connection dies.
                tokio::task::yield_now().await;
                Some((Err(io::Error::other("cut by the simulator")), None))
            }
        }
    });
    HttpResponse::from_parts(head, Body::from_stream(parts))
}

/// Carries requests to a [`Simulator`] in the same process.
#[derive(Debug)]
pub struct SimulatedTransport {
    router: Router,
}

impl Transport for SimulatedTransport {
    fn send(&self, request: Request) -> Pending<'_, Result<Response, Lost>> {
        Box::pin(async move {
            let request = http_request(request).map_err(|error| Lost::Unsent(error.to_string()))?;
            let response = match self.router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            if response.extensions().get::<NoConnection>().is_some() {
                return Err(Lost::Unsent("connection refused".to_owned()));
            }
            let (head, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await.map_err(|error| Lost::Unanswered(error.to_string()))?;
            Ok(Response { status: head.status.as_u16(), headers: headers(&head.headers), body: body.into() })
        })
    }
}

fn http_request(request: Request) -> Result<HttpRequest<Body>, axum::http::Error> {
    let mut builder = HttpRequest::builder().method(request.method.word()).uri(request.path);
    if let Some(authorization) = &request.authorization {
        builder = builder.header(header::AUTHORIZATION, authorization.expose_secret());
    }
    let body = request.body.map(|body| body.expose_secret().to_owned());
    if body.is_some() {
        builder = builder.header(header::CONTENT_TYPE, "application/json");
    }
    builder.body(body.map_or_else(Body::empty, Body::from))
}

fn headers(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
}
